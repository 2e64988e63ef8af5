import Primitives

/// How far a hand-over is, as the gateway that is taken over from sees it.
///
/// A value: what follows from an event is decided here, and done elsewhere.
struct SuccessionState {
    enum Stage: Equatable {
        /// This process serves and reads.
        case serving
        /// Another has been offered the sockets, and gets ready.
        case offered
        /// Another has asked for the record, whose threads are ending.
        case ceding
        /// The record is another's, who does not serve yet.
        case ceded
        /// Another serves; this process gives its last clients their answers.
        case retired
        /// The other is gone, and the record's threads are still ending for it.
        case withdrawn
        /// The other is gone, and what it had is not this process's yet.
        case bereaved
    }

    /// What follows when the other process has ended, or its channel has.
    enum Loss: Equatable {
        /// Nothing has changed hands.
        case nothing
        /// What was given is taken back.
        case takeBack
        /// The same, once the record's threads have ended.
        case takeBackLater
    }

    /// How long the other process may take for each stage before it serves, and say nothing after.
    static let patience = Interval.seconds(60)
    /// How long this process stays at least, so that it can take back.
    static let standbyTime = Interval.seconds(10)

    /// How long the kernel may take to free what a process had that has ended.
    static let settlingTime = Interval.seconds(5)

    /// How long another process that serves may say nothing at most, for this one to go.
    static let newsTime = Interval.seconds(3)

    private(set) var stage = Stage.serving
    private(set) var since = Instant(nanoseconds: 0)
    /// How long the other process has said nothing; nil where it has never said that it lives, as
    /// earlier versions do not.
    private(set) var silence: Interval?
    private var lookedAt = Instant(nanoseconds: 0)

    private mutating func enter(_ next: Stage, _ now: Instant) {
        stage = next
        since = now
    }

    /// The other process has said that it lives.
    mutating func heard() { silence = .zero }

    /// Counts how long the other process has said nothing.
    ///
    /// In the time of this process's own turns: what pauses a machine, or a container, pauses both
    /// processes, and says nothing of the other one.
    mutating func looked(_ now: Instant) {
        if let silence {
            let passed = min(now - lookedAt, .seconds(1))
            self.silence = Interval(nanoseconds: silence.nanoseconds + passed.nanoseconds)
        }
        lookedAt = now
    }

    /// Another process asks to take over: why it may not; nil where it is to be made an offer.
    mutating func hello(
        protocolNumber: Int, isProcessOne: Bool, isDraining: Bool, isReading: Bool, now: Instant
    ) -> String? {
        if isProcessOne {
            return "it is process 1 of its container, whose end ends all others in it; "
                + "start another container, and stop this one"
        }
        if protocolNumber != SuccessionMessage.protocolNumber {
            return "the two versions do not know each other's way of taking over; restart instead"
        }
        if isDraining { return "it is ending" }
        if stage != .serving { return "another process is taking over, or has done so" }
        if !isReading { return "it has no record to hand over" }
        silence = nil
        enter(.offered, now)
        return nil
    }

    /// The other process asks for the record; whether it may have it.
    ///
    /// `isOver`: whether this process ends with this turn of its loop. Threads that gave the record
    /// away would be at it while the store closes.
    mutating func claimed(isOver: Bool, _ now: Instant) -> Bool {
        guard stage == .offered, !isOver else { return false }
        enter(.ceding, now)
        return true
    }

    /// The record could not be given: it is this process's as before.
    mutating func kept(_ now: Instant) { enter(.offered, now) }

    /// The record's threads have ended; whether the record is given, or taken back at once.
    mutating func readingEnded(_ now: Instant) -> Bool {
        // From here on it takes the time in which the kernel frees the folder, and not before: on a
        // slow disk the threads' last round may take longer than that.
        if stage == .withdrawn { enter(.bereaved, now) }
        guard stage == .ceding else { return false }
        enter(.ceded, now)
        return true
    }

    /// The other process serves.
    mutating func running(_ now: Instant) -> Bool {
        guard stage == .ceded else { return false }
        enter(.retired, now)
        return true
    }

    /// The other process has ended.
    mutating func lost(_ now: Instant) -> Loss {
        switch stage {
        case .serving, .withdrawn, .bereaved: return .nothing
        case .offered:
            enter(.serving, now)
            return .nothing
        case .ceding:
            enter(.withdrawn, now)
            return .takeBackLater
        case .ceded, .retired:
            enter(.bereaved, now)
            return .takeBack
        }
    }

    /// All is this process's again.
    mutating func tookBack(_ now: Instant) { enter(.serving, now) }

    /// A process that took over from the other has it all.
    mutating func foundHeir(_ now: Instant) {
        silence = nil
        enter(.retired, now)
    }

    /// Whether the other process takes too long to serve, or serves no more.
    func isOverdue(_ now: Instant) -> Bool {
        switch stage {
        case .offered, .ceding, .ceded: now - since > Self.patience
        case .retired: silence.map { $0 > Self.patience } ?? false
        case .serving, .withdrawn, .bereaved: false
        }
    }

    /// Whether a program that was started to take over does nothing about it, or is at its end and
    /// does not go.
    func isHanging(_ since: Instant, _ now: Instant) -> Bool {
        stage == .serving && now - since > Self.patience
    }

    /// Whether the record is neither this process's nor that of one that serves: an end has to
    /// wait, and not for long.
    func isBetween(_ now: Instant) -> Bool {
        switch stage {
        case .ceding, .ceded: true
        case .withdrawn: now - since < Self.patience
        case .bereaved: now - since < Self.settlingTime
        case .serving, .offered, .retired: false
        }
    }

    /// Whether another process serves well for long enough that this one may go.
    func mayLeave(_ now: Instant) -> Bool {
        stage == .retired && now - since >= Self.standbyTime
            && silence.map { $0 < Self.newsTime } ?? true
    }
}
