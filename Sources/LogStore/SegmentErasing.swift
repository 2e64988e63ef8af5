import Codings
import Glibc
import Primitives
import Reactor

/// The erasing of what entries hold, in a segment that is written, complete or packed.
///
/// Each entry keeps its room and its head, so that no other entry moves.
struct SegmentErasing {
    /// An entry.
    struct Entry: Equatable {
        /// The offset of its head.
        var offset: Int
        /// Bytes of what it holds.
        var count: Int

        /// Its checksum, which says something of short texts, and what it holds.
        fileprivate var ranges: [Range<Int>] {
            let start = offset + Segment.entryHeadBytes
            return [offset..<offset + Segment.checksumBytes, start..<start + count]
        }
    }

    private static let zeros = [UInt8](repeating: 0, count: 64 << 10)

    let folder: SegmentFolder
    let disk: SegmentDisk

    /// Erases what entries of a segment hold, and waits until the disk has it; nothing is to be
    /// done where the segment is gone.
    ///
    /// May be done twice: an erased entry is erased again.
    func erase(_ entries: [Entry], of number: UInt64) throws {
        guard let file = try SegmentFile.held(number, in: folder, waits: true) else { return }
        // What a packing left behind when its process died has the text, too.
        unsafe unlink(folder.draftPath(of: number))
        if file.head.isPacked {
            try replace(file, without: entries)
        } else {
            try overwrite(file, entries)
        }
    }

    /// A segment that is not packed is changed where it is: its gateway may be writing behind.
    private func overwrite(_ file: SegmentFile, _ entries: [Entry]) throws {
        let path = folder.path(of: file.head.number)
        let descriptor = unsafe open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else {
            // Taken away meanwhile, as too old.
            guard errno != ENOENT else { return }
            throw SystemError(call: "open \(path)")
        }
        defer { close(descriptor) }
        for range in entries.flatMap(\.ranges) {
            // A damaged index must not make the file longer.
            try overwrite(descriptor, range.clamped(to: 0..<file.size))
        }
        let code = disk.sync(descriptor)
        guard code == 0 else { throw SystemError(call: "fdatasync", code: code) }
    }

    private func overwrite(_ descriptor: Int32, _ range: Range<Int>) throws {
        guard !range.isEmpty else { return }
        try unsafe Self.zeros.withUnsafeBytes { zeros in
            var vectors: [iovec] = unsafe []
            for start in stride(from: 0, to: range.count, by: zeros.count) {
                unsafe vectors.append(
                    iovec(
                        iov_base: UnsafeMutableRawPointer(mutating: zeros.baseAddress),
                        iov_len: min(zeros.count, range.count - start)))
            }
            try unsafe disk.writeAll(&vectors, to: descriptor, at: range.lowerBound)
        }
    }

    /// A packed one is replaced: frames without such an entry are taken over as they are.
    private func replace(_ file: SegmentFile, without entries: [Entry]) throws {
        let draft = try SegmentDraft(replacing: file, in: folder, disk)
        // What can be restored is written as it was.
        _ = file.restore()
        let ranges = entries.flatMap(\.ranges)
        for frame in SegmentDirectory(of: file).frames {
            let packed = file.read(frame.offset..<frame.offset + frame.packedCount)
            let erased = ranges.flatMap { frame.parts(of: $0) }
            guard !erased.isEmpty else {
                try draft.add(packed.span, frame)
                continue
            }
            var content = ZstdFrame.unpack(packed.span, count: frame.count)
            // What is damaged stays unknown, and what follows keeps its offset.
            content.append(contentsOf: repeatElement(0, count: frame.count - content.count))
            for part in erased {
                for index in part.offset..<part.offset + part.range.count { content[index] = 0 }
            }
            try draft.pack(content, frame.ranges)
        }
        _ = try draft.adopt()
    }
}
