import Codings
import Primitives

/// The packing of a sealed segment: the same entries in frames of Zstandard, under the same name.
struct SegmentPacking {
    /// The file's bytes before and after.
    struct Result {
        var before: Int
        var after: Int
    }

    /// Why a segment was not packed, where no call failed.
    enum Refusal: Error {
        /// The work is to end.
        case isEnding
    }

    let folder: SegmentFolder
    let disk: SegmentDisk
    /// Asked between frames: whether to give up.
    var isEnding: () -> Bool = { false }

    /// Packs a segment up to the end that rows know; nil where it is packed already, or gone.
    ///
    /// Throws ``SegmentFile/Refusal`` where another works on it: it can be packed later.
    func pack(_ number: UInt64, upTo end: Int) throws -> Result? {
        guard let file = try SegmentFile.held(number, in: folder, waits: false),
            !file.head.isPacked
        else { return nil }
        let draft = try SegmentDraft(replacing: file, in: folder, disk)
        let count = min(max(end, Segment.headBytes), file.size)
        try unsafe file.withMapping(count: count) { entries in
            for range in unsafe Self.frames(of: entries) {
                guard !isEnding() else { throw Refusal.isEnding }
                try unsafe draft.pack(UnsafeRawBufferPointer(rebasing: entries[range]))
            }
        }
        return Result(before: file.size, after: try draft.adopt())
    }

    /// The ranges that become frames: as many whole entries as go into one, so that few entries
    /// need two.
    private static func frames(of bytes: UnsafeRawBufferPointer) -> [Range<Int>] {
        let limit = ZstdFrame.contentBytesMax
        let entries = unsafe Span<UInt8>(_unsafeBytes: bytes)
        var frames: [Range<Int>] = []
        var start = Segment.headBytes
        var end = start
        func cut(at offset: Int) {
            while start < offset {
                let next = min(offset, start + limit)
                frames.append(start..<next)
                start = next
            }
        }
        while end < entries.count {
            // What is no entry is packed as it is: what is damaged stays so.
            let rest = entries.extracting(end..<entries.count)
            let next = end + (Segment.footprint(at: rest) ?? rest.count)
            if next - start > limit { cut(at: end) }
            end = next
        }
        cut(at: end)
        return frames
    }
}
