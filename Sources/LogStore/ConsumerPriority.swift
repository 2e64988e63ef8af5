import Primitives

/// Which of the consumer's two threads has the rounds, by how much is being written.
///
/// Little is stored in the background: a worker on the same processor runs at once when it needs
/// to. Much is stored with a usual share: on a full processor the gaps that a background thread
/// gets are too short, and records would be dropped; and two threads that change at every call
/// lose their caches to each other.
struct ConsumerPriority {
    /// The priority of the rounds against other threads.
    enum Level: Int {
        case usual
        case background
    }

    /// How long little is written before the rounds go into the background.
    static let calmTime = Interval.seconds(1)
    /// The part of a ring that is much to be unread: storing it takes some ten milliseconds, and
    /// there is room left for many times as long in the background.
    static let muchDivisor = 32

    private(set) var level = Level.usual
    private var muchAt: Instant

    init(now: Instant) {
        muchAt = now
    }

    /// Sets before a round whether there is much to do.
    mutating func update(isMuch: Bool, now: Instant) {
        if isMuch {
            muchAt = now
            level = .usual
        } else if now - muchAt >= Self.calmTime {
            level = .background
        }
    }
}
