import Primitives

/// The rows of a batch's records, and their sums, made by a thread without the database.
///
/// The thread that has it inserts them as they are, so that it has little more to do than SQLite.
final class ExchangeRows {
    private var values = RowValues()
    /// Where the values of each record are; empty where a name must be asked for first.
    private var ranges: [Range<Int>] = []
    /// The sums of all records.
    private(set) var sums = Rollup.Gathered()
    /// What they were charged.
    private(set) var charges = LedgerEntry.Gathered()
    /// The version of the names that the rows say.
    let namesVersion: Int

    init(_ batch: inout Batch, _ snapshot: NameBook.Snapshot) {
        namesVersion = snapshot.version
        var names = NameWriter(snapshot)
        var encoder = ExchangeEncoder()
        ranges.reserveCapacity(batch.records.count)
        let spilled = batch.spilled
        batch.eachRecord { index, record, content in
            sums.add(record)
            charges.add(record)
            // What was spilled is not all there.
            guard !spilled.contains(index) else {
                ranges.append(0..<0)
                return
            }
            names.begin()
            let start = values.count
            do {
                try encoder.append(
                    record, SegmentPlan.lengths(record, content), &names, to: &values)
                ranges.append(names.isShort ? 0..<0 : start..<values.count)
            } catch {
                // The thread that has the database makes the row, and says why if it cannot.
                ranges.append(0..<0)
            }
        }
    }

    /// Whether there are values of a record.
    func holds(_ index: Int) -> Bool { !ranges[index].isEmpty }

    /// Binds the values of a record.
    func bind(_ index: Int, to insertion: inout Insertion) {
        insertion.bind(values, ranges[index])
    }
}
