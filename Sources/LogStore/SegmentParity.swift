import Journal
import Primitives

// DESIGN
//
// A bit that flips in a frame of Zstandard makes everything behind it in the frame unreadable: up
// to 16 MiB, which may be hundreds of bodies. Smaller frames lose less and compress less: what they
// would repeat is in another. So a packed segment has its frames once, and what can restore any one
// block of them besides:
//
//   …   a crc32c for each block of everything before
//   …   for each group of blocks, the exclusive or of them all; block i is of group i mod groups
//   8   bytes of everything before   4  bytes of a block   4  groups
//   4   crc32c of the first two   4  crc32c of the 20 bytes before it   8  mark
//
// A group has at most 32 blocks: some 3 % of the packed file. Blocks that lie side by side are of
// different groups, so that a run of bad bytes is restored as well as a bit.

/// What restores damaged bytes of a packed segment.
struct SegmentParity {
    /// A run of damaged bytes.
    struct Damage: Equatable, Sendable {
        /// The offset in the file.
        var offset: Int
        /// The bytes that were written; nil where too much of their group is damaged.
        var restored: [UInt8]?
    }

    private static let mark: UInt64 = 0x5954_5250_5249_4557  // "WEIRPRTY"
    private static let trailerBytes = 32
    private static let blockBytesMin = 64
    private static let blockBytesMax = 4096
    private static let groupBlocksMax = 32
    /// Bytes read at once.
    private static let pieceBytes = 1 << 20

    /// Bytes of the file that it stands for.
    let end: Int
    private let blockBytes: Int
    private let groups: Int
    private let sectionChecksum: UInt32

    private var blocks: Int { (end + blockBytes - 1) / blockBytes }
    private var sectionBytes: Int { 4 * blocks + groups * blockBytes }

    /// That of a file of so many bytes.
    init(end: Int) {
        self.end = end
        var blockBytes = Self.blockBytesMin
        while blockBytes < Self.blockBytesMax, blockBytes * Self.groupBlocksMax < end {
            blockBytes *= 2
        }
        self.blockBytes = blockBytes
        let blocks = (end + blockBytes - 1) / blockBytes
        groups = max(1, (blocks + Self.groupBlocksMax - 1) / Self.groupBlocksMax)
        sectionChecksum = 0
    }

    /// What a file says at its end; nil where it says nothing of the kind.
    init?(of file: SegmentFile) {
        guard file.size > Self.trailerBytes else { return nil }
        let bytes = file.read(file.size - Self.trailerBytes..<file.size)
        guard bytes.count == Self.trailerBytes else { return nil }
        var reader = PayloadReader(bytes.span)
        let end = reader.number(bytes: 8)
        let blockBytes = Int(reader.number(bytes: 4))
        let groups = Int(reader.number(bytes: 4))
        sectionChecksum = UInt32(reader.number(bytes: 4))
        var checksum = Checksum(seed: 0)
        checksum.add(bytes.span.extracting(0..<20))
        guard reader.number(bytes: 4) == UInt64(checksum.value),
            reader.number(bytes: 8) == Self.mark, end <= UInt64(file.size),
            Self.blockBytesMin...Self.blockBytesMax ~= blockBytes, blockBytes % 8 == 0,
            groups > 0, groups <= file.size / blockBytes
        else { return nil }
        self.end = Int(end)
        self.blockBytes = blockBytes
        self.groups = groups
        guard self.end + sectionBytes + Self.trailerBytes == file.size else { return nil }
    }

    /// The bytes that stand behind everything before; `read`: the bytes of a range of that.
    func section(_ read: (Range<Int>) -> [UInt8]) -> ByteBuffer {
        var bytes = ByteBuffer(capacity: sectionBytes + Self.trailerBytes)
        var sums = [UInt64](repeating: 0, count: groups * blockBytes / 8)
        eachBlock(read) { index, block in
            var checksum = Checksum(seed: 0)
            checksum.add(block)
            bytes.append(littleEndian: UInt64(checksum.value), count: 4)
            add(block, to: &sums, at: index % groups)
        }
        for sum in sums { bytes.append(littleEndian: sum, count: 8) }
        var section = Checksum(seed: 0)
        section.add(bytes.bytes)
        let start = bytes.count
        bytes.append(littleEndian: UInt64(end), count: 8)
        bytes.append(littleEndian: UInt64(blockBytes), count: 4)
        bytes.append(littleEndian: UInt64(groups), count: 4)
        bytes.append(littleEndian: UInt64(section.value), count: 4)
        var trailer = Checksum(seed: 0)
        trailer.add(bytes.bytes(start..<bytes.count))
        bytes.append(littleEndian: UInt64(trailer.value), count: 4)
        bytes.append(littleEndian: Self.mark, count: 8)
        return bytes
    }

    /// The damaged blocks of a file, as far as it can be said; nil where the section itself is
    /// damaged, and nothing can.
    func damage(in file: SegmentFile) -> [Damage]? {
        let section = file.read(end..<end + sectionBytes)
        var checksum = Checksum(seed: 0)
        checksum.add(section.span)
        guard section.count == sectionBytes, checksum.value == sectionChecksum else { return nil }
        var stated = PayloadReader(section.span)
        var damaged: [Int] = []
        var sums = [UInt64](repeating: 0, count: groups * blockBytes / 8)
        eachBlock(file.read) { index, block in
            var checksum = Checksum(seed: 0)
            checksum.add(block)
            if stated.number(bytes: 4) == UInt64(checksum.value) {
                add(block, to: &sums, at: index % groups)
            } else {
                damaged.append(index)
            }
        }
        return damaged.map { index in
            let group = index % groups
            let offset = index * blockBytes
            let isAlone = damaged.count { $0 % groups == group } == 1
            guard isAlone else { return Damage(offset: offset) }
            // What is left of the group's sum when all others are taken out of it.
            let start = 4 * blocks + group * blockBytes
            add(section.span.extracting(start..<start + blockBytes), to: &sums, at: group)
            var bytes = ByteBuffer(capacity: blockBytes)
            for sum in sums[group * blockBytes / 8..<(group + 1) * blockBytes / 8] {
                bytes.append(littleEndian: sum, count: 8)
            }
            let count = min(blockBytes, end - offset)
            return Damage(offset: offset, restored: [UInt8](bytes.bytes.extracting(0..<count)))
        }
    }

    /// Lends the blocks; what cannot be read is empty.
    private func eachBlock(
        _ read: (Range<Int>) -> [UInt8], _ body: (Int, Span<UInt8>) -> Void
    ) {
        var index = 0
        for start in stride(from: 0, to: end, by: Self.pieceBytes) {
            let piece = read(start..<min(start + Self.pieceBytes, end))
            let count = min(Self.pieceBytes, end - start)
            for offset in stride(from: 0, to: count, by: blockBytes) {
                let first = min(offset, piece.count)
                let last = min(offset + blockBytes, piece.count)
                body(index, piece.span.extracting(first..<last))
                index += 1
            }
        }
    }

    /// Adds a block to the sum of a group; a short one is as if zeros followed.
    private func add(_ block: Span<UInt8>, to sums: inout [UInt64], at group: Int) {
        var reader = PayloadReader(block)
        let start = group * blockBytes / 8
        for word in 0..<(block.count + 7) / 8 {
            sums[start + word] ^= reader.number(bytes: min(8, block.count - 8 * word))
        }
    }
}
