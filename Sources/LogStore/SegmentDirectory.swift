import Codings
import Journal
import Primitives

/// Which frames a packed segment has, and which part of its entries each of them holds.
///
/// It stands at the end of the file:
///
///   4  content of a frame, in bytes   4  the frame itself     … for each frame
///   4  how many   4  crc32c of all before it   8  mark
struct SegmentDirectory {
    /// One frame.
    struct Frame {
        /// The offset of its first byte in the segment as it was.
        var start: Int
        /// Bytes of its content.
        var count: Int
        /// Its offset in the file.
        var offset: Int
        /// Its bytes there.
        var packedCount: Int

        /// What it holds of the segment as it was.
        var range: Range<Int> { start..<start + count }
    }

    private static let mark: UInt64 = 0x4D41_5246_5249_4557  // "WEIRFRAM"
    private static let endBytes = 16

    /// The frames, in order.
    private(set) var frames: [Frame] = []

    init() {}

    /// The offset behind the last entry.
    var end: Int { frames.last?.range.upperBound ?? Segment.headBytes }

    /// Adds the next frame.
    mutating func add(count: Int, packedCount: Int) {
        let offset = frames.last.map { $0.offset + $0.packedCount } ?? Segment.headBytes
        frames.append(Frame(start: end, count: count, offset: offset, packedCount: packedCount))
    }

    /// As it stands in the file.
    var bytes: ByteBuffer {
        var bytes = ByteBuffer()
        for frame in frames {
            bytes.append(littleEndian: UInt64(frame.count), count: 4)
            bytes.append(littleEndian: UInt64(frame.packedCount), count: 4)
        }
        bytes.append(littleEndian: UInt64(frames.count), count: 4)
        var checksum = Checksum(seed: 0)
        checksum.add(bytes.bytes)
        bytes.append(littleEndian: UInt64(checksum.value), count: 4)
        bytes.append(littleEndian: Self.mark, count: 8)
        return bytes
    }

    /// The directory of a packed segment; where it is damaged, what the frames say themselves.
    init(of file: SegmentFile) {
        if let stated = Self.stated(in: file) {
            self = stated
            return
        }
        let packed = file.read(Segment.headBytes..<max(file.size, Segment.headBytes))
        let bytes = packed.span
        var offset = 0
        while let frame = ZstdFrame.measure(bytes.extracting(offset..<bytes.count)) {
            add(count: frame.content, packedCount: frame.packed)
            offset += frame.packed
        }
    }

    /// Whether a file ends with a directory.
    static func isStated(in file: SegmentFile) -> Bool { stated(in: file) != nil }

    private static func stated(in file: SegmentFile) -> SegmentDirectory? {
        let trailer = file.read(max(0, file.size - endBytes)..<file.size)
        guard trailer.count == endBytes, file.size >= Segment.headBytes + endBytes else {
            return nil
        }
        var end = PayloadReader(trailer.span)
        let count = Int(end.number(bytes: 4))
        guard count <= (file.size - Segment.headBytes - endBytes) / 8 else { return nil }
        let start = file.size - endBytes - 8 * count
        let list = file.read(start..<file.size - endBytes + 4)
        guard list.count == 8 * count + 4 else { return nil }
        var checksum = Checksum(seed: 0)
        checksum.add(list.span)
        guard end.number(bytes: 4) == UInt64(checksum.value), end.number(bytes: 8) == mark
        else { return nil }
        var directory = SegmentDirectory()
        var reader = PayloadReader(list.span)
        for _ in 0..<count {
            let content = Int(reader.number(bytes: 4))
            let packed = Int(reader.number(bytes: 4))
            guard content > 0, content <= ZstdFrame.contentBytesMax, packed > 0 else { return nil }
            directory.add(count: content, packedCount: packed)
        }
        let last = directory.frames.last
        let packedEnd = last.map { $0.offset + $0.packedCount } ?? Segment.headBytes
        return packedEnd == start ? directory : nil
    }
}
