import Glibc
import Primitives

@testable import LogStore

/// A segment's file with any bytes at all, as a disk may give them back: what reads it lends no
/// more than was asked for, and what it lends has its checksum.
enum SegmentFuzz {
    private static let folder = SegmentFolder(in: "/tmp/weir-fuzz-\(getpid())")
    private static let isMade: Bool = {
        unsafe mkdir("/tmp/weir-fuzz-\(getpid())", 0o700)
        return (try? folder.make()) != nil
    }()

    static func run(_ input: FuzzInput) {
        precondition(isMade, "there is no folder to write to")
        let file = unsafe open(folder.path(of: 1), O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        precondition(file >= 0)
        let count = unsafe input.bytes.withUnsafeBytes {
            unsafe write(file, $0.baseAddress, $0.count)
        }
        close(file)
        precondition(count == input.bytes.count)
        let reader = SegmentReader(folder)
        let identifier = Identifier(high: 1, low: 2)
        for (offset, lengths) in [
            (32, [8, 8, 8, 8]), (32, [1, 0, 4000, 1]), (40, [0, 16, 0, 0]),
            (32, [1 << 40, 1, 1, 1]), (1 << 40, [1, 1, 1, 1]),
        ] {
            var pointer = ContentPointer(segment: 1, offset: offset)
            for index in lengths.indices { pointer.lengths[index] = lengths[index] }
            var lent = 0
            let faults = reader.read(pointer, identifier) { kind, bytes in
                lent += 1
                precondition(bytes.count == lengths[Int(kind.rawValue) - 1])
            }
            precondition(lent + faults.count == lengths.filter { $0 > 0 }.count)
        }
        let restored = (try? SegmentFile(folder.path(of: 1), number: 1))?.restore() ?? []
        precondition(restored.allSatisfy { ($0.restored?.count ?? 0) <= 4096 })
        var disk = SegmentDisk()
        // To wait for the disk would take ten times as long as all else.
        disk.sync = { _ in 0 }
        let packing = SegmentPacking(folder: folder, disk: disk)
        _ = try? packing.pack(1, [32..<Int.max, 0..<40, 64..<72])
    }
}
