import Logging
import Primitives

/// Brings the bodies of records of version 0.1 into segments, some of them between two rounds.
struct BodyMover {
    /// Bytes of a step: a second of the disk's at most.
    private static let bytesMax = 16 << 20
    private static let reportEvery = Interval.seconds(60)
    private static let waitAfterFailure = Interval.seconds(60)

    private let store: Store
    private let logger: Logger
    private let bytesMax: Int
    private var isOver = false
    private var total: Int?
    private var moved = 0
    private var reportedAt = Instant(nanoseconds: 0)
    private var nextAt = Instant(nanoseconds: 0)

    init(_ store: Store, _ logger: Logger, bytesMax: Int = BodyMover.bytesMax) {
        self.store = store
        self.logger = logger
        self.bytesMax = bytesMax
    }

    /// Moves some, if any are left.
    mutating func move(_ now: Instant) {
        guard !isOver, now >= nextAt else { return }
        do {
            try step(now)
        } catch {
            nextAt = now + Self.waitAfterFailure
            logger.warning(
                "bodies of version 0.1 cannot be moved into segments now",
                metadata: ["error": "\(error)"])
        }
    }

    private mutating func step(_ now: Instant) throws {
        if total == nil {
            let count = try store.unmovedCount()
            // To look for more would seal a segment at each start.
            isOver = count == 0
            guard !isOver else { return }
            total = count
            reportedAt = now
            logger.notice(
                "bodies of version 0.1 are moved into segments", metadata: ["records": "\(count)"])
        }
        let count = try store.moveBodies(bytesMax: bytesMax)
        moved += count
        isOver = count == 0
        guard moved > 0, isOver || now - reportedAt > Self.reportEvery else { return }
        reportedAt = now
        logger.notice(
            isOver
                ? "all bodies of version 0.1 are in segments"
                : "bodies of version 0.1 are moved into segments",
            metadata: ["moved": "\(moved)", "records": "\(total ?? 0)"])
    }
}
