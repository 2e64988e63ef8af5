import Logging
import Primitives

/// Brings the records of earlier versions over, some of them between two rounds: bodies that are in
/// the database into segments, and then the rows of before into the table of exchanges.
struct RecordMover {
    /// Bytes of bodies in a step: a second of the disk's at most.
    private static let bytesMax = 16 << 20
    /// Rows in a transaction.
    private static let rowsMax = 200
    /// How long rows are moved at once while there is nothing else to do.
    private static let calmTime = Interval.milliseconds(200)
    /// How often some are moved while calls come in.
    private static let busyEvery = Interval.milliseconds(100)
    private static let reportEvery = Interval.seconds(60)
    private static let waitAfterFailure = Interval.seconds(60)

    private let store: Store
    private let logger: Logger
    private let bytesMax: Int
    private var isOver = false
    private var areBodiesMoved = false
    private var total: Int?
    private var moved = 0
    private var reportedAt = Instant(nanoseconds: 0)
    private var nextAt = Instant(nanoseconds: 0)

    init(_ store: Store, _ logger: Logger, bytesMax: Int = RecordMover.bytesMax) {
        self.store = store
        self.logger = logger
        self.bytesMax = bytesMax
    }

    /// Whether more of them can be moved soon.
    func isGoingOn(_ now: Instant) -> Bool { !isOver && total != nil && now >= nextAt }

    /// Moves some, if any are left; `isBusy`: whether calls come in.
    mutating func move(_ now: Instant, isBusy: Bool) {
        guard !isOver, now >= nextAt else { return }
        do {
            try step(now, isBusy: isBusy)
            if isBusy { nextAt = .now() + Self.busyEvery }
        } catch {
            nextAt = now + Self.waitAfterFailure
            logger.warning(
                "records of an earlier version cannot be brought over now",
                metadata: ["error": "\(error)"])
        }
    }

    private mutating func step(_ now: Instant, isBusy: Bool) throws {
        if total == nil {
            let count = try store.unmovedCount()
            // To look for more would seal a segment at each start.
            isOver = count == 0
            guard !isOver else { return }
            total = count
            reportedAt = now
            logger.notice(
                "records of an earlier version are brought over", metadata: ["records": "\(count)"])
        }
        if !areBodiesMoved {
            areBodiesMoved = try store.moveBodies(bytesMax: isBusy ? bytesMax / 16 : bytesMax) == 0
            guard areBodiesMoved else { return }
        }
        repeat {
            let count = try store.moveRecords(limit: Self.rowsMax)
            moved += count
            isOver = count < Self.rowsMax
        } while !isOver && !isBusy && .now() - now < Self.calmTime
        guard moved > 0, isOver || now - reportedAt > Self.reportEvery else { return }
        reportedAt = now
        logger.notice(
            isOver
                ? "all records of an earlier version are brought over"
                : "records of an earlier version are brought over",
            metadata: ["moved": "\(moved)", "records": "\(total ?? 0)"])
    }
}
