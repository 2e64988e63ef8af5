import Journal
import Primitives

/// What one thread has read of some journals, to be stored in one transaction and given back then.
struct RingReading {
    var batch = Batch()
    /// Up to where each journal's room can be given back once the batch is stored.
    var released: [(source: JournalSource, cursor: UInt64)] = []
    /// Whether it was ended by its bounds, and more lies there to be read at once.
    var isBounded = false
    /// Runs of bytes that were no frames, by journal.
    var damage: [String: Int] = [:]

    /// What every reading depends on.
    struct Bounds {
        /// Records of one transaction.
        var recordsMax: Int
        var prices: PriceTable?
        /// Writes what records keep ahead of the transaction.
        var writer: SegmentWriter?
        /// Names that rows made ahead of it may say.
        var names = NameBook.Snapshot()
        var now: Instant
    }

    /// Reads what there is of a journal.
    mutating func read(_ source: JournalSource, _ bounds: Bounds) {
        source.giveBack()
        source.prepare()
        source.lookForWriter()
        if source.isLeft { batch.leftJournals.insert(source.name) }
        let first = batch.records.count
        source.read(into: &batch, recordsMax: bounds.recordsMax, now: bounds.now)
        isBounded = isBounded || !source.isReadToEnd
        let damage = source.takeDamage()
        if damage > 0 { self.damage[source.name, default: 0] += damage }
        if source.isOver { source.interrupt(into: &batch, now: bounds.now) }
        let cursor = source.release(into: &batch, now: bounds.now)
        released.append((source, cursor))
        batch.price(from: first, by: bounds.prices)
        let tally = source.file.tally
        guard cursor > source.file.readCursor || batch.records.count > first else { return }
        batch.progress.append(
            Batch.Progress(
                name: source.name, cursor: cursor, emitted: tally.emitted, dropped: tally.dropped))
    }

    /// Does what needs no database, while another batch is stored.
    mutating func workAhead(_ bounds: Bounds) {
        guard !batch.records.isEmpty else { return }
        batch.written = bounds.writer?.writeAhead(&batch)
        batch.rows = ExchangeRows(&batch, bounds.names)
    }

    /// Says that the batch is stored: the journals' room can be given back.
    func markStored() {
        for (source, cursor) in released { source.storedCursor = cursor }
    }
}

extension Batch {
    /// Works out what calls cost that do not say so themselves, and what they are charged then.
    mutating func price(from first: Int, by prices: PriceTable?) {
        defer { for index in first..<records.count { records[index].countUnlimited() } }
        guard let prices else { return }
        for index in first..<records.count {
            // What a vendor says that a call cost, it cost.
            guard records[index].costNanodollars == nil,
                let cost = prices.nanodollars(for: records[index])
            else { continue }
            records[index].costNanodollars = cost
            records[index].priceVersion = prices.version
        }
    }
}
