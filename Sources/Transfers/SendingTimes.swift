import Primitives
import Reactor

/// When a request was sent on its connection, what that was, and when it ended under it.
struct SendingTimes {
    /// When the last bytes of the request were sent, as far as it is known.
    var lastSentAt = Instant.distantFuture
    /// When the connection ended under the request.
    var connectionEndedAt: Instant?
    /// How long the connection took to be made.
    var connectTime = Interval.zero
    /// Whether the connection had served another request before.
    var isOnPooled = false

    /// The connection takes bytes, so some of the request may just have been sent.
    mutating func socketIsWritable(now: Instant) {
        // After its end the number may be that of the next connection, which libcurl makes to send
        // the request again.
        if connectionEndedAt == nil { lastSentAt = now }
    }

    /// Whether the connection ended soon enough to have been dead before the request.
    func endedAtOnce(_ lanes: Lanes?) -> Bool {
        guard let lanes else { return false }
        let age = (connectionEndedAt ?? lanes.loop.now) - lastSentAt
        return lanes.staleWindow.contains(age, connectTime: connectTime)
    }
}
