import Fleet

/// What other threads say to the control loop.
enum ControlMessage: Sendable {
    case workerEnded(Int)
    /// A worker has adopted the snapshot of a round.
    case followed(worker: Int, round: Int)
    /// A worker has adopted a change of keys.
    case adoptedKeys(worker: Int, change: Int)
    /// The last client of a worker has gone, after another process has taken over.
    case rested(Int)
    /// A worker's loop turns, as it was asked to say.
    case turned(Int)
    /// The record's threads have ended for another process.
    case readingEnded(CededRecord)
    /// What an earlier process left is in the store, and known to limits.
    case caughtUp
    /// Other gateways have changed keys.
    case sharedKeys([SharedKey])
}
