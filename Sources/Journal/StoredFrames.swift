import CJournal
import Primitives

/// Frames that were taken out of a ring, one after the other, as they stood there.
public enum StoredFrames {
    /// Appends a frame as it stands in the ring; of a piece that is in no file, that it was there.
    public static func append(_ frame: borrowing Frame, to bytes: inout [UInt8]) {
        guard frame.missingBytes == 0 else { return appendMissing(frame, to: &bytes) }
        let header = FrameHeader(
            length: UInt32(frame.payload.count), kind: frame.kind,
            attempt: UInt8(clamping: frame.attempt), detail: UInt32(clamping: frame.detail),
            exchange: frame.exchange, time: frame.time.nanoseconds
        )
        let start = bytes.count
        let footprint = FrameHeader.footprint(frame.payload.count)
        bytes.append(contentsOf: repeatElement(0, count: FrameHeader.bytes))
        bytes.append(frame.payload)
        bytes.append(contentsOf: repeatElement(0, count: start + footprint - bytes.count))
        unsafe bytes.withUnsafeMutableBytes { space in
            guard let base = space.baseAddress else { return }
            unsafe header.store(to: base + start, seed: 0)
        }
    }

    private static func appendMissing(_ frame: borrowing Frame, to bytes: inout [UInt8]) {
        let header = FrameHeader(
            length: 16, kind: frame.kind.asideKind, attempt: UInt8(clamping: frame.attempt),
            detail: UInt32(clamping: frame.detail), exchange: frame.exchange,
            time: frame.time.nanoseconds)
        let start = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: FrameHeader.footprint(16)))
        var count = UInt64(frame.missingBytes)
        for index in 0..<8 {
            bytes[start + FrameHeader.bytes + 8 + index] = UInt8(truncatingIfNeeded: count)
            count >>= 8
        }
        unsafe bytes.withUnsafeMutableBytes { space in
            guard let base = space.baseAddress else { return }
            unsafe header.store(to: base + start, seed: 0)
        }
    }

    /// Lends the frames one after the other, until one is damaged.
    public static func read(_ bytes: Span<UInt8>, _ body: (borrowing Frame) -> Void) {
        var offset = 0
        while offset < bytes.count {
            let rest = bytes.extracting(offset..<bytes.count)
            let header = unsafe rest.withUnsafeBytes { space in
                unsafe space.baseAddress.flatMap {
                    unsafe FrameHeader(at: $0, available: space.count, seed: 0)
                }
            }
            guard let header else { return }
            let end = FrameHeader.bytes + Int(header.length)
            let payload = rest.extracting(FrameHeader.bytes..<end)
            if header.kind.isAside {
                let missing = ContentRing.Run(payload).count
                body(
                    Frame(
                        header, position: UInt64(offset), payload: Span(), missingBytes: missing))
            } else {
                body(Frame(header, position: UInt64(offset), payload: payload))
            }
            offset += FrameHeader.footprint(Int(header.length))
        }
    }
}
