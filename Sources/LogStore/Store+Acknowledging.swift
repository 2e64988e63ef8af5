import GRDB
import Primitives

/// What is lost: what is new of it, and what an operator has said to know of.
public struct LossReport: Equatable, Sendable {
    /// A loss that is known.
    public struct Acknowledged: Equatable, Sendable {
        /// What is lost.
        public var loss: RecordLoss
        /// When it was said that it is known, in microseconds since 1970.
        public var time: Int
    }

    /// Losses that came since, and known ones of which there are more now.
    public var new: [RecordLoss] = []
    /// Losses of which no more was lost since it was said that they are known.
    public var acknowledged: [Acknowledged] = []

    /// A report of nothing lost.
    public init() {}
}

extension Store {
    /// Which of these losses are new, and which were acknowledged.
    public func report(_ losses: [RecordLoss]) throws -> LossReport {
        LossReport(losses, known: try acknowledgements())
    }

    /// Writes down that these losses are known, and that no others are.
    ///
    /// Those that a start of the gateway still mends are not taken for known.
    public func acknowledge(_ losses: [RecordLoss], now: Int) throws {
        try database.write { db in
            let known = try Self.acknowledgements(db)
            try db.execute(sql: "DELETE FROM acknowledged_losses")
            for loss in losses where loss.kind.isFinal {
                let time = known.first { $0.covers(loss) }?.time ?? now
                try db.execute(
                    sql: "INSERT OR REPLACE INTO acknowledged_losses VALUES (?, ?, ?, ?)",
                    arguments: [loss.kind.rawValue, loss.name, loss.count, time])
            }
        }
    }

    /// What is lost, as a gateway knows it; acknowledgements of what is there again are taken back,
    /// so that it is new if it goes once more.
    func reviewLosses() throws -> LossReport {
        // Before the losses: what is acknowledged meanwhile is none of those that came back.
        let known = try acknowledgements()
        let losses = try losses()
        let returned = known.map(\.loss).filter { loss in
            RecordLoss.Kind.returning.contains(loss.kind)
                && !losses.contains { $0.kind == loss.kind && $0.name == loss.name }
        }
        if !returned.isEmpty {
            try database.write { db in
                for loss in returned {
                    try db.execute(
                        sql: "DELETE FROM acknowledged_losses WHERE kind = ? AND name = ?",
                        arguments: [loss.kind.rawValue, loss.name])
                }
            }
        }
        return LossReport(losses, known: known)
    }

    private func acknowledgements() throws -> [LossReport.Acknowledged] {
        try database.read(Self.acknowledgements)
    }

    private static func acknowledgements(_ db: Database) throws -> [LossReport.Acknowledged] {
        let sql = "SELECT kind, name, count, at_us FROM acknowledged_losses"
        return try Row.fetchAll(db, sql: sql).compactMap { row in
            RecordLoss.Kind(rawValue: row[0]).map {
                LossReport.Acknowledged(
                    loss: RecordLoss(kind: $0, name: row[1], count: row[2]), time: row[3])
            }
        }
    }
}

extension LossReport {
    fileprivate init(_ losses: [RecordLoss], known: [Acknowledged]) {
        for loss in losses {
            if let one = known.first(where: { $0.covers(loss) }) {
                acknowledged.append(Acknowledged(loss: loss, time: one.time))
            } else {
                new.append(loss)
            }
        }
    }
}

extension LossReport.Acknowledged {
    /// Whether a loss is this one, and no more was lost since.
    fileprivate func covers(_ other: RecordLoss) -> Bool {
        loss.kind == other.kind && loss.name == other.name && loss.count >= other.count
    }
}

extension RecordLoss.Kind {
    /// Files that another hand can put back.
    fileprivate static let returning: [RecordLoss.Kind] = [
        .segmentMissing, .journalMissing, .journalAside,
    ]
}
