import Primitives

/// Which of the consumer's two threads has the rounds, by how much is being written.
///
/// Little is stored in the background: a worker on the same processor is let in at once, whatever
/// the thread is at. Much has its share: the background's gaps would not do on a processor that is
/// full, records would be dropped, and two threads that take turns by the call lose their caches
/// to each other.
struct ConsumerPriority {
    /// How the rounds stand to other threads.
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

    /// Notes whether there is much to do before a round.
    mutating func update(isMuch: Bool, now: Instant) {
        if isMuch {
            muchAt = now
            level = .usual
        } else if now - muchAt >= Self.calmTime {
            level = .background
        }
    }
}
