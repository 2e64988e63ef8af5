/// Something of the record that is lost, or was damaged, and that no count of records shows.
public struct RecordLoss: Equatable, Sendable, CustomStringConvertible {
    /// What it is.
    public enum Kind: String, CaseIterable, Sendable {
        /// A segment that neither `retain` nor `max_size` took away.
        case segmentMissing = "segment_missing"
        /// A journal whose file was taken away before it was read to its end.
        case journalMissing = "journal_missing"
        /// A file that was to be a journal, and was put aside.
        case journalAside = "journal_put_aside"
        /// Runs of bytes of a journal that were no frames.
        case journalDamage = "journal_damaged"
        /// Exchanges that a journal has counted, and that have no record.
        case exchangesLost = "exchanges_lost"
        /// Exchanges that were served while there was no journal for them.
        case unrecorded = "unrecorded"
        /// The index went back to what it was earlier.
        case indexBehind = "index_behind"
        /// The index's log is damaged, which the next start mends or finds lost.
        case indexDamage = "index_damaged"
        /// Pages of the index that contradict themselves or each other.
        case pagesDamaged = "index_pages_damaged"
        /// Records that were stored, and that nothing here took away.
        case recordsMissing = "records_missing"
        /// Records of a segment whose fields or bodies are damaged.
        case recordsDamaged = "records_damaged"
        /// Damaged bytes of a packed segment, some of them for good.
        case segmentDamage = "segment_damaged"

        /// Whether it stays as it is, so that all a person can do is to know of it.
        public var isFinal: Bool { self != .indexDamage }
    }

    /// What is lost.
    public var kind: Kind
    /// The name of the segment, the journal or the file; empty where there is none.
    public var name: String
    /// How often, or how many, where that is counted.
    public var count: Int

    /// A loss of these.
    public init(kind: Kind, name: String, count: Int = 1) {
        self.kind = kind
        self.name = name
        self.count = count
    }

    /// What is lost, for people.
    public var description: String {
        switch kind {
        case .segmentMissing:
            "segment \(name) IS NOT THERE, and neither retain nor max_size took it away"
        case .journalMissing:
            "journal \(name) IS NOT THERE: what it held that was not stored is lost"
        case .journalAside:
            "\(name) was put aside, because it was no journal: what it held has no record"
        case .journalDamage:
            "journal \(name) was damaged, \(count) run\(count == 1 ? "" : "s") of bytes: "
                + "records may have less than there was"
        case .exchangesLost:
            "journal \(name): \(count) exchange\(count == 1 ? " has" : "s have") no record, "
                + "because frames were damaged or the store refused them"
        case .unrecorded:
            "\(count) exchange\(count == 1 ? " was" : "s were") served while nothing could be "
                + "recorded, and \(count == 1 ? "has" : "have") no record"
        case .indexBehind:
            "the index went back to what it was earlier, and records are lost"
                + (name.isEmpty ? "" : ": their fields and bodies are in \(name)")
        case .indexDamage:
            "\(name) is damaged: a start of the gateway mends it, or keeps what can be kept"
        case .pagesDamaged:
            "\(name) is damaged (SQLite's integrity_check has \(count) complaint"
                + "\(count == 1 ? "" : "s")): what is read from it may be wrong; weir logs restore "
                + "puts a backup there"
        case .recordsMissing:
            "\(count) records were stored and ARE NOT THERE any more"
        case .recordsDamaged:
            "segment \(name): fields or bodies of \(count) record\(count == 1 ? "" : "s") "
                + "are damaged"
        case .segmentDamage:
            "segment \(name) is damaged, at \(count) offset\(count == 1 ? "" : "s"), and cannot "
                + "be restored as a whole"
        }
    }
}
