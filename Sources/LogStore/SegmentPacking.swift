import Codings

/// The packing of a sealed segment: its entries in frames of Zstandard, under the same name.
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
    /// Asked before each frame, and may let time pass: whether to give up.
    var isEnding: () -> Bool = { false }
    /// Whether to wait while another works on the segment.
    var waits = false

    /// Packs what records keep in a segment; nil where it is packed already, or gone.
    ///
    /// `runs`: where the entries of each record are, in the order in which they are packed. Frames
    /// are filled with whole runs, so that few need two. Bytes of no record are left out.
    /// Throws ``SegmentFile/Refusal`` where another works on it, unless it waits for that.
    func pack(_ number: UInt64, _ runs: [Range<Int>]) throws -> Result? {
        guard let file = try SegmentFile.held(number, in: folder, waits: waits),
            !file.head.isPacked
        else { return nil }
        let draft = try SegmentDraft(replacing: file, in: folder, disk)
        // A damaged index may say anything.
        let whole = Segment.headBytes..<max(file.size, Segment.headBytes)
        let runs = runs.map { $0.clamped(to: whole) }.filter { !$0.isEmpty }
        for ranges in Self.frames(of: runs) {
            guard !isEnding() else { throw Refusal.isEnding }
            try draft.pack(ranges, of: file)
        }
        return Result(before: file.size, after: try draft.adopt())
    }

    /// Bytes of a run that a frame takes at most: a longer run is cut into as many.
    static let pieceMax = ZstdFrame.contentBytesMax - SegmentDirectory.tableBytes(1)

    /// What each frame holds.
    static func frames(of runs: [Range<Int>]) -> [[Range<Int>]] {
        let limit = ZstdFrame.contentBytesMax
        var frames: [[Range<Int>]] = []
        var frame: [Range<Int>] = []
        var count = 0
        func end() {
            if !frame.isEmpty { frames.append(frame) }
            frame = []
            count = 0
        }
        for run in runs {
            let table = SegmentDirectory.tableBytes(frame.count + 1)
            if count + run.count + table > limit { end() }
            var start = run.lowerBound
            while run.upperBound - start > pieceMax {
                frames.append([start..<start + pieceMax])
                start += pieceMax
            }
            if let last = frame.last, last.upperBound == start {
                frame[frame.count - 1] = last.lowerBound..<run.upperBound
            } else {
                frame.append(start..<run.upperBound)
            }
            count += run.upperBound - start
        }
        end()
        return frames
    }
}
