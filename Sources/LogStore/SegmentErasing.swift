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
        let held = try SegmentFile.held(number, in: folder, waits: true)
        // What a packing left behind when its process died has the text, too.
        unsafe unlink(folder.draftPath(of: number))
        guard let file = held else { return }
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

    /// Writes a packed segment anew whose damage can be restored; whether it did.
    func repair(_ number: UInt64) throws -> Bool {
        guard let file = try SegmentFile.held(number, in: folder, waits: true),
            file.head.isPacked
        else { return false }
        let damage = file.restore()
        guard !damage.isEmpty, damage.allSatisfy({ $0.restored != nil }) else { return false }
        try replace(file, without: [])
        return true
    }

    /// A packed one is replaced: frames without such an entry are taken over as they are.
    ///
    /// Of a frame that is damaged only entries are kept whose checksums are right. What a damaged
    /// frame unpacks to besides may be any text of it, put anywhere: matches are copied from where
    /// the damage says.
    private func replace(_ file: SegmentFile, without entries: [Entry]) throws {
        let draft = try SegmentDraft(replacing: file, in: folder, disk)
        // What can be restored is written as it was.
        let damage = file.restore().filter { $0.restored == nil }
        let ranges = entries.flatMap(\.ranges)
        let frames = SegmentDirectory(of: file).frames
        for frame in frames {
            // Nothing is read of a frame that does not say what it holds.
            guard !frame.ranges.isEmpty else { continue }
            let location = frame.offset..<frame.offset + frame.packedCount
            let packed = file.read(location)
            let erased = ranges.flatMap { frame.parts(of: $0) }
            guard !erased.isEmpty else {
                try draft.add(packed.span, frame)
                continue
            }
            var content = ZstdFrame.unpack(packed.span, count: frame.count)
            let isWhole =
                content.count == frame.count && !damage.contains { $0.range.overlaps(location) }
            // What is damaged stays unknown, and what follows keeps its offset.
            content.append(contentsOf: repeatElement(0, count: frame.count - content.count))
            if !isWhole || file.parity == nil {
                let kept = isWhole ? Self.continued(frame, frames) : []
                Self.keepEntries(of: file.head.number, in: &content, frame, besides: kept)
            }
            for part in erased {
                for index in part.offset..<part.offset + part.range.count { content[index] = 0 }
            }
            try draft.pack(content, frame.ranges)
        }
        _ = try draft.adopt()
    }

    /// The ranges of a frame that other frames go on with, or have begun: entries of more than a
    /// frame are in them, of which no checksum can be worked out here.
    private static func continued(
        _ frame: SegmentDirectory.Frame, _ frames: [SegmentDirectory.Frame]
    ) -> [Range<Int>] {
        let pieces = frames.flatMap(\.ranges).filter { $0.count == SegmentPacking.pieceMax }
        return frame.ranges.filter { range in
            pieces.contains { $0 == range || $0.upperBound == range.lowerBound }
        }
    }

    /// Overwrites what is no whole entry in a frame's content; what was erased has none.
    private static func keepEntries(
        of segment: UInt64, in content: inout [UInt8], _ frame: SegmentDirectory.Frame,
        besides kept: [Range<Int>]
    ) {
        var offset = SegmentDirectory.tableBytes(frame.ranges.count)
        // Lengths that were forged would have all of the frame checked at each step.
        var allowance = 16 * content.count
        for range in frame.ranges {
            let contentRange = offset..<offset + range.count
            offset = contentRange.upperBound
            guard !kept.contains(range) else { continue }
            var start = contentRange.lowerBound
            while start < contentRange.upperBound {
                let footprint = Segment.footprint(
                    ofEntryIn: content.span.extracting(start..<contentRange.upperBound),
                    segment: segment,
                    offset: range.lowerBound + start - contentRange.lowerBound,
                    allowance: &allowance)
                guard let footprint else {
                    let end = min(start + 8, contentRange.upperBound)
                    for index in start..<end { content[index] = 0 }
                    start = end
                    continue
                }
                start += footprint
            }
        }
    }
}
