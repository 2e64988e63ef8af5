import Glibc
import Journal
import Logging
import Primitives
import Reactor
import Synchronization
import Telemetry

/// The rounds of the consumer's threads.
final class ConsumerRounds {
    /// Records of one transaction.
    private static let recordsMax = 2000
    /// Few enough that the transaction is over soon on a processor that has become full, and the
    /// rounds can change hands.
    private static let recordsMaxInBackground = 512
    /// A round waits for more to come: a transaction costs the same for one record and for many.
    private static let gatherTime = Interval.milliseconds(50)
    private static let gatherSteps = 5
    private static let gatherStep: Int32 = 10
    private static let idleTime = Interval.seconds(1)

    let settings: Consumer.Settings
    var keeper: SegmentKeeper
    private var mover: RecordMover
    var retirement: RecordRetirement
    var sources: [JournalSource] = []
    var journals: [JournalFile]
    /// What was read and is not stored yet, in order.
    var unstored: [RingReading] = []
    /// What was read while that was being stored.
    private var next: [RingReading] = []
    /// What was stored last: to give its memory back is work, too.
    private var spent: [RingReading] = []
    /// Made when more is there than one thread stores.
    private var readers: RingReaders?
    private var hasReaders = true
    private var retryWait = Interval.zero
    private var retryAt = Instant(nanoseconds: 0)
    private var syncedAt = Instant.now()
    private var endsBy: Instant?
    private var firstSource = 0
    /// When the files of journals were looked for last, and those that were gone.
    var lookedForJournalsAt = Instant.now()
    var missingJournals: Set<String> = []
    /// Exchanges without a journal that the store knows of.
    var unrecordedCount = 0
    var areSourcesOpen = false
    private var isRecovered = false
    /// Whether a journal of an earlier process could not be opened.
    var isUnreadable = false
    /// Whether what was charged by journal is of no use any more.
    var hasForgottenJournalCharges = false
    private var priority = ConsumerPriority(now: .now())

    init(_ settings: Consumer.Settings, _ keeper: SegmentKeeper, journals: [JournalFile]) {
        self.settings = settings
        self.keeper = keeper
        mover = RecordMover(settings.store, settings.logger)
        retirement = RecordRetirement(settings)
        self.journals = journals
    }

    /// Goes on with the rounds until another level is due, which is returned, or, by order, until
    /// all is stored.
    func run(as level: ConsumerPriority.Level, until order: Consumer.Order, _ waker: Waker)
        -> ConsumerPriority.Level?
    {
        if !areSourcesOpen { openSources() }
        while true {
            let known = order.reading
            let isEnding = known.isEnding
            priority.update(isMuch: isEnding || known.isInDemand || isMuchUnread, now: .now())
            if priority.level != level { return priority.level }
            let isMore = round(isEnding: isEnding)
            if order.isHandingOver.load(ordering: .acquiring) {
                readers?.end()
                return nil
            }
            if isEnding, !isMore, finish() {
                readers?.end()
                return nil
            }
            if isEnding, let endsBy, Instant.now() > endsBy {
                leave()
                readers?.end()
                return nil
            }
            if isEnding, endsBy == nil { endsBy = Instant.now() + settings.endsWithin }
            keepHouse()
            if !isMore { rest(waker, isEnding: isEnding) { order.reading != known } }
        }
    }

    /// What waits to be read is looked for again only when nothing keeps us from storing it.
    ///
    /// `isOrdered`: whether an order has come since this round began. Its waking may have been
    /// before the sleep.
    private func rest(_ waker: Waker, isEnding: Bool, unless isOrdered: () -> Bool) {
        if !isAllStored || isEnding {
            // Writers write on, as long as there is room.
            prepareRings()
            return waker.sleep(atMost: .milliseconds(50), unless: isOrdered)
        }
        let isGoingOn = retirement.isGoingOn || mover.isGoingOn(.now())
        // Another process's workers wake only that process.
        let isShort = isGoingOn || sources.contains(where: \.isLive)
        waker.sleep(atMost: isShort ? Self.gatherTime : Self.idleTime) { hasUnread || isOrdered() }
        guard hasUnread else { return }
        // More comes meanwhile, unless a ring has no room for it.
        for _ in 0..<Self.gatherSteps where !isRingFilling {
            prepareRings()
            poll(nil, 0, Self.gatherStep)
        }
    }

    var isAllStored: Bool { unstored.isEmpty && next.isEmpty }

    private var hasUnread: Bool {
        sources.contains { $0.unreadBytes > 0 }
    }

    private var isMuchUnread: Bool {
        sources.contains { source in
            // Another process waits until a live one has been caught up with.
            source.isLeft && !(source.isLive && source.isCaughtUp)
                || source.unreadBytes > UInt64(source.file.capacity / ConsumerPriority.muchDivisor)
        }
    }

    // MARK: Rounds

    /// Reads, stores, gives back; whether there is more to do at once.
    private func round(isEnding: Bool) -> Bool {
        if unstored.isEmpty { swap(&unstored, &next) }
        if unstored.isEmpty { unstored = gather() }
        guard !unstored.isEmpty else {
            // What an earlier process left may have been stored by it to the last frame.
            endLeftovers()
            return false
        }
        guard Instant.now() >= retryAt else { return false }
        let isMore = unstored.contains(where: \.isBounded)
        let isReadingOn = isMore && next.isEmpty && beginReading()
        if !isReadingOn { giveBack() }
        let stored = storeAll()
        if isReadingOn, let readers { next = readers.finish().filter(isTaken) }
        for reading in stored { reading.markStored() }
        spent = stored
        // Otherwise those that read the next round do it.
        if next.isEmpty || !unstored.isEmpty { giveBack() }
        guard unstored.isEmpty else { return false }
        // What was read ahead of a journal's end is not stored yet.
        if next.isEmpty { endLeftovers() }
        return isMore || !next.isEmpty || isEnding && hasUnread
    }

    /// Stores what was read, in order, until it is all stored or one fails; what it stored.
    private func storeAll() -> [RingReading] {
        var stored: [RingReading] = []
        // Where it lies: of a copy each record would be copied, too.
        while !unstored.isEmpty, store(&unstored[0].batch) {
            stored.append(unstored.removeFirst())
        }
        return stored
    }

    /// Gives back the rings' room of what is stored.
    private func giveBack() {
        spent = []
        for source in sources { source.giveBack() }
    }

    /// Reads the next round: on this thread, or, where much is there, on those that are for it.
    private func gather() -> [RingReading] {
        if isRingFilling, beginReading(), let readers { return readers.finish().filter(isTaken) }
        let bounds = bounds
        var reading = RingReading()
        for source in nextOrder() { reading.read(source, bounds) }
        return isTaken(reading) ? [reading] : []
    }

    private var bounds: RingReading.Bounds {
        RingReading.Bounds(
            recordsMax: priority.level == .usual ? Self.recordsMax : Self.recordsMaxInBackground,
            prices: settings.prices.current, writer: settings.store.writer,
            names: settings.store.names.snapshot, now: .now())
    }

    /// The sources, each time another one first, so that none is starved by those before it.
    private func nextOrder() -> [JournalSource] {
        firstSource = sources.isEmpty ? 0 : (firstSource + 1) % sources.count
        return Array(sources[firstSource...] + sources[..<firstSource])
    }

    /// Counts what was found damaged; whether there is anything to store.
    private func isTaken(_ reading: RingReading) -> Bool {
        for (journal, count) in reading.damage {
            settings.metrics.damage.add(count)
            settings.logger.error(
                "bytes of a journal are damaged: records may have less than there was",
                metadata: ["journal": "\(journal)", "runs": "\(count)"])
            remember(RecordLoss(kind: .journalDamage, name: journal, count: count))
        }
        return !reading.batch.isEmpty
    }

    /// Has other threads read the next round while this one stores; false where none can.
    private func beginReading() -> Bool {
        guard priority.level == .usual, hasReaders else { return false }
        if readers == nil {
            do {
                readers = try RingReaders(
                    journals: sources.count, processors: settings.processors)
            } catch {
                settings.logger.error(
                    "one thread alone reads and stores records", metadata: ["error": "\(error)"])
            }
            hasReaders = readers != nil
        }
        readers?.begin(nextOrder(), bounds, spent)
        spent = []
        return readers != nil
    }

    private func store(_ batch: inout Batch) -> Bool {
        let metrics = settings.metrics
        batch.isChargedByJournal = hasOtherWriters
        do {
            let written = try settings.store.write(&batch, capture: settings.capture)
            metrics.transactions.add()
            metrics.usage.add(batch.usage)
            let left = Set(sources.filter(\.isLeft).map(\.name))
            for journal in written.stored {
                if left.contains(journal.key) {
                    metrics.recovered.add(journal.value)
                } else {
                    metrics.stored.add(journal.value)
                }
            }
            for refusal in written.refused {
                metrics.lost.add()
                settings.logger.error(
                    "a record cannot be stored and is given up",
                    metadata: ["exchange": "\(refusal.id)", "error": "\(refusal.reason)"])
            }
            retryWait = .zero
            if !written.stored.isEmpty { settings.stored() }
            if !written.recovered.isEmpty { settings.recovered(written.recovered) }
            if metrics.remember(trouble: keeper.trouble), keeper.trouble.isEmpty {
                settings.logger.notice("records are stored again")
            }
            return true
        } catch {
            metrics.failures.add()
            if metrics.remember(trouble: error.description) {
                settings.logger.error(
                    "records cannot be stored, the journals keep them as long as they have room",
                    metadata: ["error": "\(error)"])
            }
            retryWait = min(
                max(Interval(nanoseconds: 2 * retryWait.nanoseconds), .milliseconds(100)),
                .seconds(5))
            retryAt = Instant.now() + retryWait
            return false
        }
    }

    /// Takes journals away that earlier processes left, once nothing of them is left.
    private func endLeftovers() {
        for source in sources where source.isLive { settings.held(source.name, source.held) }
        for source in sources where source.isOver && source.openCount == 0 {
            end(source)
            settings.held(source.name, [])
        }
        sources.removeAll { $0.isOver && $0.openCount == 0 }
        forgetJournalCharges()
        stateRecovery()
        settleLosses()
    }

    /// Says once that nothing of earlier processes is left: budgets wait for it.
    func stateRecovery() {
        guard !isRecovered, !isUnreadable,
            !sources.contains(where: { $0.isLeft && !($0.isLive && $0.isCaughtUp) })
        else { return }
        isRecovered = true
        settings.recoveredAll()
    }

    /// Accounts for a journal's exchanges that have no record, and takes its file away.
    private func end(_ source: JournalSource) {
        do {
            let lost = try settings.store.end(source.name, source.file.tally)
            settings.metrics.lost.add(lost)
            if lost > 0 {
                settings.logger.error(
                    "a journal was damaged, some of its exchanges have no record",
                    metadata: ["path": "\(source.file.path)", "lost": "\(lost)"])
            }
            try JournalFolder.remove(source.file.path)
        } catch {
            settings.logger.error(
                "a journal cannot be taken away",
                metadata: ["path": "\(source.file.path)", "error": "\(error)"])
        }
    }

    /// Ends this process's own journals; false when something is left to do.
    private func finish() -> Bool {
        guard isAllStored, !hasUnread else { return false }
        // What another process still writes to is left to the next start.
        sources.removeAll(where: \.isLive)
        // A worker that ended leaves no exchange open; one that was stopped may.
        guard !interrupt(sources) else { return false }
        for source in sources { end(source) }
        return true
    }

    private func leave() {
        settings.logger.error(
            "records are left in the journals for the next start",
            metadata: ["reason": "\(settings.metrics.currentTrouble)"])
    }

    // MARK: House

    private func keepHouse() {
        let now = Instant.now()
        if settings.syncEvery > .zero, now - syncedAt > settings.syncEvery {
            syncedAt = now
            keeper.sync()
            for source in sources {
                do {
                    try source.file.sync()
                } catch {
                    settings.logger.error(
                        "a journal cannot be synced", metadata: ["error": "\(error)"])
                }
            }
        }
        if !isRingFilling { retirement.retire(now) }
        rememberUnrecorded()
        keeper.keep(now)
        lookForJournals(now)
        if isAllStored, !isRingFilling { mover.move(now, isBusy: hasUnread) }
    }

    /// Whether a ring wants its room back sooner than anything else.
    private var isRingFilling: Bool {
        sources.contains { source in
            let written = source.file.writeCursor
            return written - min(written, source.file.readCursor)
                > UInt64(source.file.capacity / 4)
        }
    }
}
