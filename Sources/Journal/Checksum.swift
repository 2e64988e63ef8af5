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
}
