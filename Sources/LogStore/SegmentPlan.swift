import Glibc
import Journal
import Primitives
import Reactor

/// The entries of one round, laid out for one write: large runs where they lie, the rest gathered.
///
/// Journals' rings must keep what they lend until the plan is gone.
@safe
struct SegmentPlan: ~Copyable {
    /// A piece of a write costs the kernel about what copying so many bytes does.
    private static let gatheredBytesMax = 4096

    @safe
    private struct Run {
        /// Where it lies; nil for a run of what was gathered.
        @unsafe var address: UnsafeRawPointer?
        var start: Int
        var count: Int
    }

    private let segment: UInt64
    private let start: Int
    private var gathered = ByteBuffer()
    /// Bytes of all runs of what was gathered.
    private var gatheredCount = 0
    private var runs: [Run] = []
    /// The offset behind the last entry.
    private(set) var end: Int

    /// A plan for the end of a segment.
    init(segment: UInt64, offset: Int) {
        self.segment = segment
        start = offset
        end = offset
    }

    /// Puts a segment's head before everything.
    init(_ head: Segment.Head) {
        segment = head.number
        start = 0
        end = 0
        let bytes = head.bytes
        unsafe gather(bytes.pointer, stays: false)
        end = bytes.count
    }

    /// Lays out what a record keeps; where it will be.
    mutating func add(
        _ record: borrowing Record, _ content: borrowing RecordContent
    ) -> ContentPointer {
        var pointer = ContentPointer(segment: segment, offset: end)
        let identifier = record.identifier
        pointer.lengths[0] = add(.requestFields, record.requestFields, identifier)
        pointer.lengths[1] = add(.requestBody, content.request, identifier)
        pointer.lengths[2] = add(.responseFields, record.responseFields, identifier)
        pointer.lengths[3] = add(.responseBody, content.response, identifier)
        return pointer.footprint == 0 ? ContentPointer() : pointer
    }

    /// Lays out frames of an open exchange; the offset at which they will be.
    mutating func add(_ spill: borrowing Batch.Spill) -> Int {
        let offset = end
        let identifier = Identifier(high: spill.exchange, low: spill.position)
        let bytes = spill.frames
        unsafe bytes.withUnsafeBytes { bytes in
            unsafe add(.openFrames, bytes.count, identifier) { lend in
                unsafe lend(bytes, false, nil)
            }
        }
        return offset
    }

    private mutating func add(
        _ kind: Segment.Kind, _ text: String, _ identifier: Identifier
    ) -> Int {
        var text = text
        let count = text.utf8.count
        text.withUTF8 { bytes in
            unsafe add(kind, count, identifier) { lend in
                unsafe lend(UnsafeRawBufferPointer(bytes), false, nil)
            }
        }
        return count
    }

    private mutating func add(
        _ kind: Segment.Kind, _ body: BodyPieces, _ identifier: Identifier
    ) -> Int {
        unsafe add(kind, body.count, identifier) { lend in unsafe body.withEach(lend) }
        return body.count
    }

    @unsafe
    private mutating func add(
        _ kind: Segment.Kind, _ count: Int, _ identifier: Identifier,
        _ each: ((UnsafeRawBufferPointer, _ stays: Bool, PayloadChecksum?) -> Void) -> Void
    ) {
        guard count > 0 else { return }
        var checksum = Segment.checksum(segment: segment, offset: end)
        // Its bytes are kept free, and filled when all of the entry has been seen.
        let stated = gathered.count
        extendGathered(by: 4)
        gathered.append(littleEndian: 0, count: 4)
        let head = gathered.count
        Segment.appendEntryHead(kind, length: count, identifier, to: &gathered)
        extendGathered(by: gathered.count - head)
        checksum.add(gathered.bytes(head..<gathered.count))
        unsafe each { bytes, stays, known in
            // A short piece's own bytes are looked at sooner than its checksum is worked out.
            if let known, bytes.count > Self.gatheredBytesMax {
                checksum.add(known)
            } else {
                unsafe checksum.add(bytes)
            }
            unsafe gather(bytes, stays: stays)
        }
        for index in 0..<4 {
            gathered.set(
                UInt8(truncatingIfNeeded: checksum.value >> UInt32(8 * index)), at: stated + index)
        }
        let padding = Segment.footprint(count) - Segment.entryHeadBytes - count
        extendGathered(by: padding)
        gathered.append(littleEndian: 0, count: padding)
        end += Segment.footprint(count)
    }

    @unsafe
    private mutating func gather(_ bytes: UnsafeRawBufferPointer, stays: Bool) {
        if stays, bytes.count > Self.gatheredBytesMax {
            return unsafe runs.append(Run(address: bytes.baseAddress, start: 0, count: bytes.count))
        }
        extendGathered(by: bytes.count)
        unsafe gathered.append(bytes)
    }

    /// Counts bytes that are about to be gathered, or just were, to the last run.
    private mutating func extendGathered(by count: Int) {
        guard count > 0 else { return }
        if let last = runs.last, unsafe last.address == nil {
            runs[runs.count - 1].count += count
        } else {
            unsafe runs.append(Run(address: nil, start: gatheredCount, count: count))
        }
        gatheredCount += count
    }

    /// Writes all of it.
    ///
    /// A disk that takes only a part is asked again; one that takes nothing is an error. Then any
    /// part of it may be in the file, behind the last entry that a row knows.
    func write(to file: Int32, _ disk: SegmentDisk) throws(SystemError) {
        var vectors = unsafe runs.map { run -> iovec in
            let address =
                unsafe run.address
                ?? gathered.pointer.baseAddress.map {
                    unsafe $0 + run.start
                }
            return unsafe iovec(
                iov_base: UnsafeMutableRawPointer(mutating: address), iov_len: run.count)
        }
        try unsafe disk.writeAll(&vectors, to: file, at: start)
    }
}
