import Codings
import Journal
import Primitives

/// Which frames a packed segment has, and which bytes of the segment as it was each of them holds.
///
/// Frames have the entries in an order of their own, so each begins with a table of what it holds:
///
///   4  how many ranges   8  offset of the first byte   4  bytes   … for each range
///
/// All of them stand at the end of the file again, with a checksum:
///
///   4  content of a frame, in bytes   4  the frame itself   its table   … for each frame
///   4  bytes of all that   4  crc32c of all before it   8  mark
struct SegmentDirectory {
    /// One frame.
    struct Frame {
        /// Bytes of its content, its table included.
        var count: Int
        /// What it holds of the segment as it was, in the order in which it does.
        var ranges: [Range<Int>]
        /// Its offset in the file.
        var offset: Int
        /// Its bytes there.
        var packedCount: Int

        /// The parts of a range of the segment that the frame has, and where in its content.
        func parts(of range: Range<Int>) -> [(range: Range<Int>, offset: Int)] {
            var parts: [(range: Range<Int>, offset: Int)] = []
            var offset = SegmentDirectory.tableBytes(ranges.count)
            for own in ranges {
                let part = own.clamped(to: range)
                if !part.isEmpty { parts.append((part, offset + part.lowerBound - own.lowerBound)) }
                offset += own.count
            }
            return parts
        }
    }

    private static let mark: UInt64 = 0x4D41_5246_5249_4557  // "WEIRFRAM"
    private static let endBytes = 16
    /// What a range in a table may say at most, so that no sum is beyond what a number holds.
    private static let offsetMax = 1 << 40

    /// The frames, in order.
    private(set) var frames: [Frame] = []

    init() {}

    /// Bytes of a table of so many ranges.
    static func tableBytes(_ rangeCount: Int) -> Int { 4 + 12 * rangeCount }

    /// The table of a frame.
    static func appendTable(_ ranges: [Range<Int>], to bytes: inout ByteBuffer) {
        bytes.append(littleEndian: UInt64(ranges.count), count: 4)
        for range in ranges {
            bytes.append(littleEndian: UInt64(range.lowerBound), count: 8)
            bytes.append(littleEndian: UInt64(range.count), count: 4)
        }
    }

    /// A table, of a frame whose content has so many bytes; nil where it is none.
    private static func table(_ reader: inout PayloadReader, count: Int) -> [Range<Int>]? {
        let rangeCount = Int(reader.number(bytes: 4))
        guard rangeCount > 0, tableBytes(rangeCount) < count else { return nil }
        var left = count - tableBytes(rangeCount)
        var ranges: [Range<Int>] = []
        for _ in 0..<rangeCount {
            let start = reader.number(bytes: 8)
            let bytes = Int(reader.number(bytes: 4))
            guard !reader.isShort, start <= UInt64(offsetMax), bytes > 0, bytes <= left
            else { return nil }
            left -= bytes
            ranges.append(Int(start)..<Int(start) + bytes)
        }
        return left == 0 ? ranges : nil
    }

    /// Adds the next frame.
    mutating func add(count: Int, _ ranges: [Range<Int>], packedCount: Int) {
        let offset = frames.last.map { $0.offset + $0.packedCount } ?? Segment.headBytes
        frames.append(
            Frame(count: count, ranges: ranges, offset: offset, packedCount: packedCount))
    }

    /// As it stands in the file.
    var bytes: ByteBuffer {
        var bytes = ByteBuffer()
        for frame in frames {
            bytes.append(littleEndian: UInt64(frame.count), count: 4)
            bytes.append(littleEndian: UInt64(frame.packedCount), count: 4)
            Self.appendTable(frame.ranges, to: &bytes)
        }
        bytes.append(littleEndian: UInt64(bytes.count), count: 4)
        var checksum = Checksum(seed: 0)
        checksum.add(bytes.bytes)
        bytes.append(littleEndian: UInt64(checksum.value), count: 4)
        bytes.append(littleEndian: Self.mark, count: 8)
        return bytes
    }

    /// The directory of a packed segment; where it is damaged, what the frames say themselves.
    init(of file: SegmentFile) {
        if let stated = Self.stated(in: file, end: file.end) {
            self = stated
            return
        }
        let packed = file.read(Segment.headBytes..<max(file.end, Segment.headBytes))
        let bytes = packed.span
        var offset = 0
        while let frame = ZstdFrame.measure(bytes.extracting(offset..<bytes.count)) {
            let ranges = Self.table(
                bytes.extracting(offset..<offset + frame.packed), content: frame.content)
            add(count: frame.content, ranges ?? [], packedCount: frame.packed)
            offset += frame.packed
        }
    }

    /// The table that a frame begins with; nil where it is damaged.
    private static func table(_ frame: Span<UInt8>, content: Int) -> [Range<Int>]? {
        let beginning = ZstdFrame.unpack(frame, count: min(4, content))
        var count = PayloadReader(beginning.span)
        let size = tableBytes(Int(count.number(bytes: 4)))
        guard !count.isShort, size < content else { return nil }
        let table = ZstdFrame.unpack(frame, count: size)
        var reader = PayloadReader(table.span)
        return Self.table(&reader, count: content)
    }

    /// Whether a directory ends at an offset of a file.
    static func isStated(in file: SegmentFile, end: Int) -> Bool {
        stated(in: file, end: end) != nil
    }

    private static func stated(in file: SegmentFile, end fileEnd: Int) -> SegmentDirectory? {
        guard fileEnd >= Segment.headBytes + endBytes else { return nil }
        let trailer = file.read(fileEnd - endBytes..<fileEnd)
        guard trailer.count == endBytes else { return nil }
        var end = PayloadReader(trailer.span)
        let count = Int(end.number(bytes: 4))
        guard count <= fileEnd - Segment.headBytes - endBytes else { return nil }
        let start = fileEnd - endBytes - count
        let list = file.read(start..<fileEnd - endBytes + 4)
        guard list.count == count + 4 else { return nil }
        var checksum = Checksum(seed: 0)
        checksum.add(list.span)
        guard end.number(bytes: 4) == UInt64(checksum.value), end.number(bytes: 8) == mark
        else { return nil }
        var directory = SegmentDirectory()
        var reader = PayloadReader(list.span.extracting(0..<count))
        var packedEnd = Segment.headBytes
        while packedEnd < start {
            let content = Int(reader.number(bytes: 4))
            let packed = Int(reader.number(bytes: 4))
            guard content <= ZstdFrame.contentBytesMax, packed > 0,
                let ranges = table(&reader, count: content)
            else { return nil }
            directory.add(count: content, ranges, packedCount: packed)
            packedEnd += packed
        }
        return packedEnd == start ? directory : nil
    }
}
