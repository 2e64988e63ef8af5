import LogStore

/// The record, whose reading has ended for another process.
struct CededRecord: Sendable {
    /// The lock of its folder.
    let lock: Int32
    /// What was charged until then.
    let charges: JournalCharges
}
