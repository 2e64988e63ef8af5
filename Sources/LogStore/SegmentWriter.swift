import Glibc
import Primitives
import Reactor
import Synchronization

/// The segment that is being written, and its seal.
final class SegmentWriter: Sendable {
    /// When a segment is sealed.
    struct Bounds: Sendable {
        /// Bytes of it.
        var bytesMax = 64 << 20
        /// Its age.
        var ageMax = Interval.seconds(3600)
        /// Whether its bytes must be on the disk before the next one begins.
        var isSynced = false
    }

    /// How far a segment is, as rows know it.
    struct End: Equatable, Sendable {
        var segment: UInt64 = 0
        var offset = 0
    }

    /// What was written of a batch.
    struct Written: Sendable {
        /// Where the content of each record is.
        var pointers: [ContentPointer] = []
        /// The offsets of frames of open exchanges.
        var frames: [Int] = []
        var end: End
    }

    /// A segment's file, open for as long as one writes to it.
    fileprivate final class OpenFile: Sendable {
        let descriptor: Int32

        init(_ descriptor: Int32) {
            self.descriptor = descriptor
        }

        deinit {
            close(descriptor)
        }
    }

    private struct State {
        var number: UInt64 = 0
        var file: OpenFile?
        /// The offset behind all that was written by transactions, whether they were committed.
        var appendedEnd = 0
        /// The offset behind all that was, or is being, written ahead of them.
        var aheadEnd = 0
        var madeAt: UInt64 = 0
        var isUnsynced = false
        /// Whether the folder may not know its name on the disk.
        var isNameUnsynced = false
        /// The highest number that was given so far.
        var lastNumber: UInt64 = 0
    }

    private let folder: SegmentFolder
    let disk: SegmentDisk
    private let bounds: Mutex<Bounds>
    private let state = Mutex<State>(State())

    /// A writer that goes on behind what rows know.
    ///
    /// `keepsTail`: what is behind it stays, because rows that knew it were lost, and the next
    /// segment begins.
    init(
        _ folder: SegmentFolder, _ disk: SegmentDisk, after end: End, bounds: Bounds = Bounds(),
        keepsTail: Bool = false
    ) throws(SystemError) {
        try folder.make()
        self.folder = folder
        self.disk = disk
        self.bounds = Mutex(bounds)
        let last = max(folder.lastNumber, end.segment)
        state.withLock { state in
            state.lastNumber = last
            if !keepsTail { Self.resume(folder, end, &state) }
        }
    }

    /// Opens the segment that was written last, its tail without rows cut off; leaves it as it is
    /// where that cannot be.
    private static func resume(_ folder: SegmentFolder, _ end: End, _ state: inout State) {
        guard end.segment > 0, end.segment == state.lastNumber,
            let file = try? SegmentFile(folder.path(of: end.segment), number: end.segment),
            // After a power loss bytes may be missing that rows know: no others take their offsets.
            file.isHeadWhole, !file.head.isPacked, file.size >= end.offset
        else { return }
        let path = folder.path(of: end.segment)
        let descriptor = unsafe Glibc.open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return }
        guard ftruncate(descriptor, off_t(end.offset)) == 0 else {
            close(descriptor)
            return
        }
        state.number = end.segment
        state.file = OpenFile(descriptor)
        state.appendedEnd = end.offset
        state.madeAt = file.head.madeAt
    }

    /// The number of the segment that is being written; 0 without one.
    var current: UInt64 { state.withLock { $0.number } }

    /// Sets when a segment is sealed.
    func set(_ bounds: Bounds) {
        self.bounds.withLock { $0 = bounds }
    }

    /// Writes what records keep, and frames of open exchanges, behind what rows know; by one call
    /// where the disk takes it.
    ///
    /// Nothing is known of it until rows say where it is.
    func append(_ batch: inout Batch, after end: End) throws(SystemError) -> Written {
        var written = Written(end: end)
        let error = state.withLock { state -> SystemError? in
            do throws(SystemError) {
                let offset = try open(&state, after: end)
                var plan = SegmentPlan(segment: state.number, offset: offset)
                written.pointers.reserveCapacity(batch.records.count)
                batch.eachRecord { _, record, content in
                    written.pointers.append(plan.add(record, content))
                }
                for spill in batch.spills { written.frames.append(plan.add(spill)) }
                written.end = End(segment: state.number, offset: plan.end)
                guard plan.end > offset, let file = state.file else { return nil }
                state.appendedEnd = plan.end
                try plan.write(to: file.descriptor, disk)
                state.isUnsynced = true
                return nil
            } catch {
                return error
            }
        }
        if let error { throw error }
        return written
    }

    /// A part of the segment that is being written, which no other writes to.
    struct Part {
        var segment: UInt64
        var offset: Int
        fileprivate var file: OpenFile

        var descriptor: Int32 { file.descriptor }
    }

    /// Gives a part of so many bytes; nil where another segment begins first.
    func reserve(_ bytes: Int) -> Part? {
        state.withLock { state in
            let offset = max(state.appendedEnd, state.aheadEnd)
            guard let file = state.file, isAtItsPath(state), !isDue(state, bytes: offset)
            else { return nil }
            state.aheadEnd = offset + bytes
            state.isUnsynced = true
            return Part(segment: state.number, offset: offset, file: file)
        }
    }

    /// Whether what was written ahead is in the segment that is being written, so that a
    /// transaction may know it.
    func isCurrent(_ written: Written, after end: End) -> Bool {
        state.withLock { state in
            state.number == written.end.segment && end.segment <= state.number
                && isAtItsPath(state)
        }
    }

    /// Whether what is written to the segment's file will be found: it, or the folder, may have
    /// been taken away by another hand.
    private func isAtItsPath(_ state: State) -> Bool {
        guard let file = state.file else { return false }
        return FileIdentity(descriptor: file.descriptor)
            == FileIdentity(path: folder.path(of: state.number))
    }

    /// Makes sure that there is a segment to write to; the offset at which to go on.
    private func open(_ state: inout State, after end: End) throws(SystemError) -> Int {
        let known = end.segment == state.number ? end.offset : Segment.headBytes
        if state.file != nil {
            // Not into what another thread is writing ahead.
            let offset = max(known, state.aheadEnd)
            // Another process has written behind it meanwhile, or it is full.
            let isBehind = end.segment > state.number
            let isThere = isAtItsPath(state)
            guard isBehind || !isThere || isDue(state, bytes: offset) else { return offset }
            if isThere, bounds.withLock({ $0.isSynced }) { try sync(&state) }
            seal(&state)
            if !isThere { try folder.make() }
        }
        let number = max(state.lastNumber, end.segment) + 1
        let path = folder.path(of: number)
        let flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
        let descriptor = unsafe Glibc.open(path, flags, 0o600)
        guard descriptor >= 0 else { throw SystemError(call: "open \(path)") }
        let head = Segment.Head(
            number: number, isPacked: false, madeAt: Identifier.wallClockMilliseconds())
        do throws(SystemError) {
            try SegmentPlan(head).write(to: descriptor, disk)
        } catch {
            close(descriptor)
            unsafe unlink(path)
            throw error
        }
        state = State(
            number: number, file: OpenFile(descriptor), appendedEnd: Segment.headBytes,
            madeAt: head.madeAt, isUnsynced: true, isNameUnsynced: true, lastNumber: number)
        return Segment.headBytes
    }

    private func isDue(_ state: State, bytes: Int) -> Bool {
        let bounds = self.bounds.withLock { $0 }
        let now = Identifier.wallClockMilliseconds()
        let age = now - min(now, state.madeAt)
        return bytes >= bounds.bytesMax
            || age >= UInt64(bounds.ageMax.nanoseconds / 1_000_000)
    }

    private func seal(_ state: inout State) {
        state = State(lastNumber: state.lastNumber)
    }

    /// Seals the segment that is being written: it is complete, and another follows.
    func seal() {
        state.withLock { seal(&$0) }
    }

    /// Seals it if it is old, or holds enough; whether it did.
    func sealIfDue(after end: End) -> Bool {
        state.withLock { state in
            guard state.file != nil, end.segment == state.number,
                isDue(state, bytes: end.offset)
            else { return false }
            seal(&state)
            return true
        }
    }

    /// Waits until what was written is on the disk.
    func sync() throws(SystemError) {
        let error = state.withLock { state -> SystemError? in
            do throws(SystemError) {
                try sync(&state)
                return nil
            } catch {
                return error
            }
        }
        if let error { throw error }
    }

    private func sync(_ state: inout State) throws(SystemError) {
        guard let file = state.file, state.isUnsynced else { return }
        let code = disk.sync(file.descriptor)
        guard code == 0 else { throw SystemError(call: "fdatasync", code: code) }
        state.isUnsynced = false
        guard state.isNameUnsynced else { return }
        try folder.sync()
        state.isNameUnsynced = false
    }
}
