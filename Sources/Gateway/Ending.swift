import Reactor

/// How far a worker's end has come.
struct Ending {
    /// Whether no new exchanges are wanted.
    var isDraining = false
    /// Whether another process takes clients in, and those here get one more answer.
    var isRetired = false
    /// Called once the last of those has gone.
    var rested: (@Sendable () -> Void)?
    /// Whether the loop is left at the end of the turn.
    var isStopping = false
    /// Ends the drain when it has lasted as long as it may.
    var timer: TimerWheel.Timer?
}
