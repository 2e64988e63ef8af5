import Journal
import Primitives

/// A body on its way into a segment: the runs of its bytes, which lie in a journal's ring where
/// they were written, or in memory of its own.
struct BodyPieces: Sendable {
    private struct Run {
        /// A frame's position in the ring, or the index of the first byte that was copied.
        var start: UInt64
        var count: Int
        var isCopied: Bool
    }

    private var runs: [Run] = []
    private var copied: [UInt8] = []
    private var ring: JournalFile?
    /// Bytes of all runs.
    private(set) var count = 0

    init() {}

    init(copying bytes: [UInt8]) {
        append(bytes.span)
    }

    /// Appends bytes, which are copied.
    mutating func append(_ bytes: Span<UInt8>) {
        guard bytes.count > 0 else { return }
        if let last = runs.last, last.isCopied {
            runs[runs.count - 1].count += bytes.count
        } else {
            runs.append(Run(start: UInt64(copied.count), count: bytes.count, isCopied: true))
        }
        copied.append(bytes)
        count += bytes.count
    }

    /// Appends the first bytes of a frame's payload, which stay in the ring until its room is given
    /// back.
    mutating func append(_ count: Int, at position: UInt64, in ring: JournalFile) {
        guard count > 0 else { return }
        self.ring = ring
        runs.append(Run(start: position, count: count, isCopied: false))
        self.count += count
    }

    /// Puts bytes before the others.
    mutating func prepend(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        for index in runs.indices where runs[index].isCopied {
            runs[index].start += UInt64(bytes.count)
        }
        copied = bytes + copied
        runs.insert(Run(start: 0, count: bytes.count, isCopied: true), at: 0)
        count += bytes.count
    }

    /// Lends the runs, one after the other, and whether each stays where it is until the ring's
    /// room is given back, with its checksum; the others are lent for the length of the call.
    @unsafe
    func withEach(
        _ body: (UnsafeRawBufferPointer, _ stays: Bool, PayloadChecksum?) -> Void
    ) {
        unsafe copied.withUnsafeBytes { copied in
            for run in runs {
                if run.isCopied {
                    let start = Int(run.start)
                    unsafe body(
                        UnsafeRawBufferPointer(rebasing: copied[start..<start + run.count]),
                        false, nil)
                } else {
                    unsafe ring?.lendPayload(at: run.start, count: run.count) {
                        unsafe body($0, true, $1)
                    }
                }
            }
        }
    }
}

/// What a record keeps of the two bodies, on its way into a segment.
struct RecordContent: Sendable {
    var request = BodyPieces()
    var response = BodyPieces()
}

/// Where what a record keeps is: entries one behind the other in a segment.
struct ContentPointer: Equatable, Sendable {
    /// The segment's number; 0 where the record keeps nothing.
    var segment: UInt64 = 0
    /// The offset of the first entry.
    var offset = 0
    /// Bytes that each entry holds, by their kinds in order; nothing is written of what is empty.
    var lengths: InlineArray<4, Int> = [0, 0, 0, 0]

    static func == (one: ContentPointer, other: ContentPointer) -> Bool {
        one.segment == other.segment && one.offset == other.offset
            && one.lengths.indices.allSatisfy { one.lengths[$0] == other.lengths[$0] }
    }

    /// Bytes that all entries take in the segment.
    var footprint: Int {
        lengths.indices.reduce(0) { $0 + Segment.footprint(lengths[$1]) }
    }
}
