import Glibc
import Primitives
import Testing

@testable import LogStore

@Suite("Parity of packed segments")
struct ParityTests {
    /// A packed segment of three groups of blocks, and its parts.
    private static func packed() throws -> (scratch: SegmentScratch, parts: [String: Range<Int>]) {
        let scratch = try SegmentScratch()
        let writer = try scratch.writer()
        var random = RandomSource(seed: 5)
        var record = SegmentScratch.record(1)
        record.requestBody.bytes = (0..<300_000).map { _ in
            UInt8(truncatingIfNeeded: random.next())
        }
        record.requestBody.totalBytes = 300_000
        try scratch.append([record, SegmentScratch.record(2)], writer)
        let packing = SegmentPacking(folder: scratch.folder, disk: SegmentDisk())
        let runs = scratch.rows.map { row in
            row.pointer.offset..<row.pointer.offset + row.pointer.footprint
        }
        _ = try packing.pack(1, runs)
        let size = try scratch.bytes(of: 1).count
        let end = try SegmentFile(scratch.folder.path(of: 1), number: 1).end
        let blocks = (end + 4095) / 4096
        let parity = end + 4 * blocks
        #expect((size - 32 - parity) % 4096 == 0)
        return (
            scratch,
            [
                "head": 0..<32, "frames": 32..<end - 200, "directory": end - 16..<end,
                "checksums": end..<parity, "parity": parity..<size - 32,
                "trailer": size - 32..<size,
            ]
        )
    }

    @Test("damage of any two parts is named, and both are restored where the rest says what was")
    func pairs() throws {
        let (scratch, parts) = try Self.packed()
        let whole = try scratch.bytes(of: 1)
        let names = parts.keys.sorted()
        var random = RandomSource(seed: 7)
        for first in names {
            for second in names {
                for _ in 0..<6 {
                    let offsets = try [first, second].map { name in
                        Int.random(in: try #require(parts[name]), using: &random)
                    }
                    var bytes = whole
                    for (index, offset) in offsets.enumerated() {
                        bytes[offset] ^= 1 << UInt8((offset + index) % 8)
                    }
                    try scratch.replace(1, with: bytes)
                    try Self.check(scratch, whole, "\(first) \(second) \(offsets)")
                }
            }
        }
    }

    @Test("runs of damage in one part are named, and restored where no other part has any")
    func runs() throws {
        let (scratch, parts) = try Self.packed()
        let whole = try scratch.bytes(of: 1)
        for (name, range) in parts.sorted(by: { $0.key < $1.key }) {
            var bytes = whole
            // Two blocks of the frames, which are of two groups, and else the whole part.
            let run = name == "frames" ? range.lowerBound..<range.lowerBound + 8000 : range
            for offset in run { bytes[offset] ^= 0x5A }
            try scratch.replace(1, with: bytes)
            let damage = try SegmentFile(scratch.folder.path(of: 1), number: 1).restore()
            #expect(!damage.isEmpty, "\(name)")
            // Without any of its last bytes, and without its directory, the rest is guessed.
            #expect(damage.allSatisfy { $0.restored != nil }, "\(name)")
            try Self.check(scratch, whole, name)
        }
    }

    /// Every record is read as it was, or named; a repair makes the file what it was, or leaves it.
    private static func check(_ scratch: SegmentScratch, _ whole: [UInt8], _ label: String) throws {
        let file = try SegmentFile(scratch.folder.path(of: 1), number: 1)
        let damage = file.restore()
        #expect(!damage.isEmpty, "\(label)")
        let isRestored = damage.allSatisfy { $0.restored != nil }
        for part in damage {
            guard let restored = part.restored else { continue }
            #expect(restored[...] == whole[part.range], "\(label)")
        }
        let reader = SegmentReader(scratch.folder)
        for row in scratch.rows.indices {
            let (faults, isRight) = scratch.faults(of: row, reader)
            #expect(isRight && (faults.isEmpty || !isRestored), "\(label)")
        }
        let before = try scratch.bytes(of: 1)
        let erasing = SegmentErasing(folder: scratch.folder, disk: SegmentDisk())
        #expect(try erasing.repair(1) == isRestored, "\(label)")
        let isRight = try scratch.bytes(of: 1) == (isRestored ? whole : before)
        #expect(isRight, "\(label)")
        #expect(try !isRestored || !erasing.repair(1), "\(label)")
    }

    @Test("a file that is cut off in its last part is named as damaged")
    func cut() throws {
        let (scratch, parts) = try Self.packed()
        let whole = try scratch.bytes(of: 1)
        let end = try #require(parts["checksums"]?.lowerBound)
        for count in [end - 100, end - 1, end + 1, whole.count - 5000, whole.count - 1] {
            try scratch.replace(1, with: Array(whole.prefix(count)))
            let damage = try SegmentFile(scratch.folder.path(of: 1), number: 1).restore()
            #expect(damage.contains { $0.restored == nil }, "\(count)")
        }
        // As earlier versions wrote it.
        try scratch.replace(1, with: Array(whole.prefix(end)))
        #expect(try SegmentFile(scratch.folder.path(of: 1), number: 1).restore().isEmpty)
    }
}
