import CJournal

/// A CRC-32C of bytes that come piece by piece.
public struct Checksum: Sendable {
    /// The checksum of what came so far.
    public private(set) var value: UInt32

    /// A checksum that begins with a number, so that equal bytes elsewhere have another.
    public init(seed: UInt32) {
        value = seed
    }

    /// Takes bytes.
    public mutating func add(_ bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBytes { unsafe add($0) }
    }

    /// Takes bytes that are lent for the length of the call.
    @unsafe
    public mutating func add(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress, bytes.count > 0 else { return }
        value = unsafe cjournal_crc32c(value, start, bytes.count)
    }

    /// Takes a frame's payload without reading it, by the checksum that the writer stated.
    ///
    /// Bytes that have changed since are found by the result, too.
    public mutating func add(_ payload: PayloadChecksum) {
        let before = cjournal_crc32c_after(value ^ payload.head, payload.count)
        value = before ^ payload.frame
    }
}

/// The checksum of a frame's payload, without what stands before it in the frame.
public struct PayloadChecksum: Sendable {
    /// The frame's checksum.
    let frame: UInt32
    /// The checksum of what is before the payload, begun as the frame's is.
    let head: UInt32
    /// Bytes of the payload.
    let count: Int
}
