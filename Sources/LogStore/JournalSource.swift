import Access
import Journal
import Primitives

/// A journal that is being read, and the exchanges of it that are still open.
final class JournalSource {
    /// How long frames of open exchanges keep the ring's room.
    private static let pinnedMax = Interval.seconds(5)

    let file: JournalFile
    /// The journal's name.
    let name: String
    /// Whether another process wrote it.
    let isLeft: Bool
    /// Whether that process still writes to it: then it may always go on.
    private(set) var isLive: Bool
    /// Whether a live one has been read to where it was at some moment since it was opened.
    private(set) var isCaughtUp = false
    private(set) var reader: JournalReader
    /// Whether the last reading came to the end of what was written, and not to its own bounds.
    private(set) var isReadToEnd = true
    /// Bytes of the ring kept ready for the writer, at least, and at most: they are resident.
    private static let readyBytesMin: UInt64 = 1 << 20
    private static let readyBytesMax: UInt64 = 4 << 20
    /// … of a ring to which nothing was written for a while, or nothing yet.
    private static let readyBytesAtRest: UInt64 = 256 << 10
    private static let restTime = Interval.seconds(10)

    /// The exchanges that had been emitted when what a lost part of the file held was counted last.
    var settledUpTo: Int?

    /// The cursor up to which everything is stored.
    var storedCursor: UInt64 = 0

    private let capture: Capture
    private var open: [UInt64: Open] = [:]
    /// The one that a frame was read of last, while it is open.
    private var latest: Open?
    private let memory = AssemblyMemory()
    private var damageSeen = 0
    /// The cursor up to which the ring's pages are mapped.
    private var readyUpTo: UInt64 = 0
    private var writtenSeen: UInt64 = 0
    /// When something was seen to be written last; nil at rest.
    private var writtenAt: Instant?
    private var pace = RingPace()

    private final class Open {
        let assembly: Assembly
        /// The cursor of its first frame that is not in the store; nil when there is none.
        var position: UInt64?
        /// When that was read.
        var since: Instant
        /// Bytes of response bodies put into the store: what is beyond the limit is not kept there.
        var spilledBytes = 0

        init(_ assembly: Assembly, since: Instant) {
            self.assembly = assembly
            self.since = since
        }
    }

    init(_ file: JournalFile, from cursor: UInt64?, isLeft: Bool, capture: Capture) {
        self.file = file
        name = file.name.description
        self.isLeft = isLeft
        isLive = isLeft && WriterLock.isHeld(on: file.path)
        self.capture = capture
        reader = JournalReader(file, from: cursor, isOwn: !isLeft)
    }

    /// Whether nothing will ever be added to it, and all of it has been read.
    var isOver: Bool { isLeft && !isLive && reader.isAtEnd }

    /// Looks whether another process still writes to it: before it is read, so that what was
    /// written at the very end is not missed.
    func lookForWriter() {
        if isLive { isLive = WriterLock.isHeld(on: file.path) }
    }

    /// What its open exchanges hold of limits.
    var held: [HeldCharge] {
        var charges: [String: HeldCharge] = [:]
        for entry in open.values where !entry.assembly.record.key.isEmpty {
            let record = entry.assembly.record
            let (tokens, cost) = (record.chargedTokens ?? 0, record.chargedNanodollars ?? 0)
            charges[
                "\(record.group)/\(record.key)",
                default: HeldCharge(
                    key: record.key, group: record.group, calls: 0, tokens: 0, nanodollars: 0)
            ].add(tokens: tokens, nanodollars: cost)
        }
        return Array(charges.values)
    }

    /// Bytes that wait to be read.
    var unreadBytes: UInt64 {
        let written = file.writeCursor
        return written - min(written, reader.cursor)
    }

    /// Exchanges begun and not settled.
    var openCount: Int { open.count }

    /// Takes frames of an exchange back that were put into the store before its process ended.
    func takeBack(exchange: UInt64, frames: [UInt8], now: Instant) {
        StoredFrames.read(frames.span) { frame in
            let entry = entry(of: exchange, time: frame.time, now: now)
            entry.assembly.isSpilled = true
            _ = entry.assembly.take(frame)
        }
        open[exchange]?.assembly.forgetBodies()
    }

    /// Maps the pages that the writer reaches next: twice as much as it wrote since the last call,
    /// which was some ten milliseconds ago where it writes at all.
    func prepare() {
        guard !isLeft else { return }
        let run = UInt64(JournalFile.pageRunBytes)
        let written = file.writeCursor
        let capacity = UInt64(file.capacity)
        let wanted = 2 * (written - min(written, writtenSeen))
        let now = Instant.now()
        if written != writtenSeen { writtenAt = now }
        writtenSeen = written
        let isEnteringRest = writtenAt.map { now - $0 >= Self.restTime } ?? false
        if isEnteringRest { writtenAt = nil }
        let least = writtenAt == nil ? Self.readyBytesAtRest : Self.readyBytesMin
        let ahead = min(max(least, min(wanted, Self.readyBytesMax)), capacity / 4)
        // Not around the ring into bytes that are still to be read, whose pages are given up then.
        let end = min(written + ahead, file.readCursor + capacity) / run * run
        if isEnteringRest, end > written {
            file.unmapPages(outside: file.readCursor..<end)
            readyUpTo = min(readyUpTo, end)
        }
        let start = max(readyUpTo, written / run * run)
        guard start < end else { return }
        readyUpTo = file.prepare(start..<end)
    }

    /// Gives back the ring's room of what is stored.
    func giveBack() {
        let bytes = storedCursor - min(storedCursor, file.readCursor)
        // Another process's ring comes around once at most.
        let hasSlowedDown = !isLeft && pace.hasSlowedDown(after: bytes, now: .now())
        if bytes > 0 { file.release(upTo: storedCursor, keepsPages: pace.isFast) }
        guard hasSlowedDown else { return }
        file.unmapPages(outside: file.readCursor..<max(readyUpTo, file.writeCursor))
    }

    /// Reads frames into a batch until it has enough or there are no more.
    func read(into batch: inout Batch, recordsMax: Int, now: Instant) {
        isReadToEnd = false
        guard batch.records.count < recordsMax else { return }
        var bytesLeft = 8 << 20
        reader.read { frame in
            let entry = entry(of: frame.exchange, time: frame.time, now: now)
            if entry.position == nil {
                entry.position = frame.position
                entry.since = now
            }
            if entry.assembly.take(frame, in: file) {
                open[frame.exchange] = nil
                latest = nil
                entry.assembly.handOver(to: &batch)
            }
            bytesLeft -= frame.payload.count
            return batch.records.count < recordsMax && bytesLeft > 0
        }
        isReadToEnd = batch.records.count < recordsMax && bytesLeft > 0
        isCaughtUp = isCaughtUp || isReadToEnd
    }

    private func entry(of exchange: UInt64, time: Instant, now: Instant) -> Open {
        // A call's frames mostly stand one behind the other.
        if let latest, latest.assembly.exchange == exchange { return latest }
        let entry = open[exchange] ?? begin(exchange, time: time, now: now)
        latest = entry
        return entry
    }

    private func begin(_ exchange: UInt64, time: Instant, now: Instant) -> Open {
        let assembly = Assembly(
            journal: name, exchange: exchange, time: time, capture: capture, memory)
        let entry = Open(assembly, since: now)
        open[exchange] = entry
        return entry
    }

    /// Gives up the exchanges that will have no settlement.
    func interrupt(into batch: inout Batch, now: Instant) {
        for (_, entry) in open.sorted(by: { $0.key < $1.key }) {
            // Of frames without a beginning not even a name is known.
            let record = entry.assembly.interrupted(at: now)
            guard record.identifier != Identifier(high: 0, low: 0) else { continue }
            batch.add(record, entry.assembly.content, isSpilled: entry.assembly.isSpilled)
        }
        open.removeAll()
        latest = nil
    }

    /// The cursor up to which the ring's room can be given back, the frames of open exchanges put
    /// into the batch first where they have kept it for too long.
    func release(into batch: inout Batch, now: Instant) -> UInt64 {
        var oldest = reader.cursor
        var since = now
        for entry in open.values {
            guard let position = entry.position else { continue }
            oldest = min(oldest, position)
            since = min(since, entry.since)
        }
        let pinned = reader.cursor - oldest
        guard pinned > 0, pinned > UInt64(file.capacity / 4) || now - since > Self.pinnedMax
        else { return oldest }
        spill(from: oldest, into: &batch)
        return reader.cursor
    }

    private func spill(from oldest: UInt64, into batch: inout Batch) {
        var frames: [UInt64: [UInt8]] = [:]
        let end = reader.cursor
        var again = JournalReader(file, from: oldest, again: true)
        again.read { frame in
            guard frame.position < end else { return false }
            guard let entry = open[frame.exchange], let position = entry.position,
                frame.position >= position
            else { return true }
            if frame.kind == .chunk {
                // Its process has read it already; another would only want what is kept of it.
                guard entry.spilledBytes <= capture.bytesMax else { return true }
                entry.spilledBytes += frame.payload.count + frame.missingBytes
            }
            StoredFrames.append(frame, to: &frames[frame.exchange, default: []])
            return true
        }
        for (exchange, bytes) in frames {
            guard let entry = open[exchange], let position = entry.position else { continue }
            batch.spills.append(
                Batch.Spill(
                    journal: name, exchange: exchange, position: position, frames: bytes))
            entry.assembly.isSpilled = true
            entry.assembly.forgetBodies()
            entry.position = nil
        }
    }

    /// Damage seen since it was last asked.
    func takeDamage() -> Int {
        defer { damageSeen = reader.damageCount }
        return reader.damageCount - damageSeen
    }
}
