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
// different groups, so that a run of bad bytes is restored as well as a bit. Checksums and parity
// are damaged as easily as the rest, and say so of each other: a block whose checksum is wrong
// while its group's sum is right is whole, and so is a group whose checksums are right while its
// sum is wrong. The last 32 bytes follow from the file's length.

/// What restores damaged bytes of a packed segment.
struct SegmentParity {
    /// A run of damaged bytes.
    struct Damage: Equatable, Sendable {
        /// The offset in the file.
        var offset: Int
        /// Its bytes.
        var count: Int
        /// The bytes that were written; nil where too much is damaged to say.
        var restored: [UInt8]?

        /// Where it is in the file.
        var range: Range<Int> { offset..<offset + count }
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
    /// Whether the file's last bytes say so, and not only its length.
    private var isStated = true

    private var blocks: Int { (end + blockBytes - 1) / blockBytes }
    private var sectionBytes: Int { 4 * blocks + groups * blockBytes }
    private var fileBytes: Int { end + sectionBytes + Self.trailerBytes }

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
    }

    /// What a file says at its end, or where that is damaged its length; nil where it has nothing
    /// of the kind.
    init?(of file: SegmentFile) {
        guard file.size > Self.trailerBytes else { return nil }
        let bytes = file.read(file.size - Self.trailerBytes..<file.size)
        guard bytes.count == Self.trailerBytes else { return nil }
        if let stated = Self(trailer: bytes.span, fileBytes: file.size) {
            self = stated
            return
        }
        // Of the file of an earlier version the directory is the end.
        guard !SegmentDirectory.isStated(in: file, end: file.size),
            var derived = Self(fileBytes: file.size),
            SegmentDirectory.isStated(in: file, end: derived.end)
                || file.isHeadWhole && derived.resembles(bytes)
        else { return nil }
        derived.isStated = false
        self = derived
    }

    private init?(trailer bytes: Span<UInt8>, fileBytes size: Int) {
        var reader = PayloadReader(bytes)
        let end = reader.number(bytes: 8)
        let blockBytes = Int(reader.number(bytes: 4))
        let groups = Int(reader.number(bytes: 4))
        _ = reader.number(bytes: 4)
        var checksum = Checksum(seed: 0)
        checksum.add(bytes.extracting(0..<20))
        guard reader.number(bytes: 4) == UInt64(checksum.value),
            reader.number(bytes: 8) == Self.mark, end <= UInt64(size),
            Self.blockBytesMin...Self.blockBytesMax ~= blockBytes, blockBytes % 8 == 0,
            groups > 0, groups <= size / blockBytes
        else { return nil }
        self.end = Int(end)
        self.blockBytes = blockBytes
        self.groups = groups
        guard fileBytes == size else { return nil }
    }

    /// That of which a file has so many bytes with it: a longer beginning needs more of it.
    private init?(fileBytes size: Int) {
        var (low, high) = (0, size)
        while low < high {
            let middle = (low + high + 1) / 2
            if Self(end: middle).fileBytes <= size { low = middle } else { high = middle - 1 }
        }
        self.init(end: low)
        guard fileBytes == size else { return nil }
    }

    /// Whether the last bytes of a file are those of this but for a few.
    private func resembles(_ bytes: [UInt8]) -> Bool {
        let own = trailer(ofSection: 0)
        let known = Array(0..<16) + Array(24..<32)
        return known.count { bytes[$0] == own[$0] } >= known.count - 3
    }

    /// The bytes that stand behind everything before; `read`: the bytes of a range of that.
    func section(_ read: (Range<Int>) -> [UInt8]) -> ByteBuffer {
        var bytes = ByteBuffer(capacity: sectionBytes + Self.trailerBytes)
        var sums = [UInt64](repeating: 0, count: groups * blockBytes / 8)
        eachBlock(read) { index, block in
            bytes.append(littleEndian: UInt64(Self.checksum(block)), count: 4)
            add(block, to: &sums, at: index % groups)
        }
        for sum in sums { bytes.append(littleEndian: sum, count: 8) }
        bytes.append(trailer(ofSection: Self.checksum(bytes.bytes)).span)
        return bytes
    }

    private func trailer(ofSection checksum: UInt32) -> [UInt8] {
        var bytes = ByteBuffer(capacity: Self.trailerBytes)
        bytes.append(littleEndian: UInt64(end), count: 8)
        bytes.append(littleEndian: UInt64(blockBytes), count: 4)
        bytes.append(littleEndian: UInt64(groups), count: 4)
        bytes.append(littleEndian: UInt64(checksum), count: 4)
        bytes.append(littleEndian: UInt64(Self.checksum(bytes.bytes)), count: 4)
        bytes.append(littleEndian: Self.mark, count: 8)
        return Array(bytes.bytes)
    }

    private static func checksum(_ bytes: Span<UInt8>) -> UInt32 {
        var checksum = Checksum(seed: 0)
        checksum.add(bytes)
        return checksum.value
    }

    /// The damaged bytes of a file, its checksums and parity included, in the order of offsets.
    func damage(in file: SegmentFile) -> [Damage] {
        var section = file.read(end..<end + sectionBytes)
        guard section.count == sectionBytes else {
            return [Damage(offset: end, count: sectionBytes)]
        }
        var stated = PayloadReader(section.span)
        var damaged: [(index: Int, stated: UInt32, found: UInt32)] = []
        var sums = [UInt64](repeating: 0, count: groups * blockBytes / 8)
        eachBlock(file.read) { index, block in
            let (was, now) = (UInt32(stated.number(bytes: 4)), Self.checksum(block))
            if was != now { damaged.append((index, was, now)) }
            add(block, to: &sums, at: index % groups)
        }
        var damage: [Damage] = []
        for group in 0..<groups {
            let own = sums[group * blockBytes / 8..<(group + 1) * blockBytes / 8]
            damage += self.damage(
                of: group, damaged.filter { $0.index % groups == group }, Array(own), section.span,
                file)
        }
        for part in damage where part.offset >= end {
            guard let restored = part.restored else { continue }
            section.replaceSubrange(
                part.offset - end..<part.offset - end + part.count, with: restored)
        }
        if !isStated {
            let isKnown = damage.allSatisfy { $0.restored != nil }
            damage.append(
                Damage(
                    offset: end + sectionBytes, count: Self.trailerBytes,
                    restored: isKnown ? trailer(ofSection: Self.checksum(section.span)) : nil))
        }
        return damage.sorted { $0.offset < $1.offset }
    }

    /// The damage of a group; `sums`: the exclusive or of its blocks as they are.
    private func damage(
        of group: Int, _ damaged: [(index: Int, stated: UInt32, found: UInt32)],
        _ sums: [UInt64], _ section: Span<UInt8>, _ file: SegmentFile
    ) -> [Damage] {
        let start = 4 * blocks + group * blockBytes
        var difference = sums
        add(section.extracting(start..<start + blockBytes), to: &difference, at: 0)
        let isEven = difference.allSatisfy { $0 == 0 }
        guard !damaged.isEmpty else {
            guard !isEven else { return [] }
            // All blocks are as their checksums say: so the sum is wrong that the file states.
            return [
                Damage(offset: end + start, count: blockBytes, restored: Self.bytes(of: sums))
            ]
        }
        var other: Int?
        var right: Damage?
        for block in damaged where !isEven {
            var bytes = difference
            let range = block.index * blockBytes..<min((block.index + 1) * blockBytes, end)
            add(file.read(range).span, to: &bytes, at: 0)
            let all = Self.bytes(of: bytes)
            let restored = Array(all.prefix(range.count))
            // Behind a short block nothing but zeros were added.
            guard Self.checksum(restored.span) == block.stated,
                all.dropFirst(range.count).allSatisfy({ $0 == 0 })
            else { continue }
            other = block.index
            right = Damage(offset: range.lowerBound, count: range.count, restored: restored)
            break
        }
        guard isEven || right != nil else {
            return damaged.map { block in
                let offset = block.index * blockBytes
                return Damage(offset: offset, count: min(blockBytes, end - offset))
            }
        }
        // All others are what makes the sum even: so it is their checksums that are wrong.
        let checksums = damaged.filter { $0.index != other }.map { block in
            var bytes = ByteBuffer()
            bytes.append(littleEndian: UInt64(block.found), count: 4)
            return Damage(
                offset: end + 4 * block.index, count: 4, restored: Array(bytes.bytes))
        }
        return checksums + (right.map { [$0] } ?? [])
    }

    private static func bytes(of words: [UInt64]) -> [UInt8] {
        var bytes = ByteBuffer(capacity: 8 * words.count)
        for word in words { bytes.append(littleEndian: word, count: 8) }
        return Array(bytes.bytes)
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
