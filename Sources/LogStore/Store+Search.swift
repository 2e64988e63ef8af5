import GRDB

/// What a search in pieces has found.
public struct RecordSearch: Sendable {
    /// The newest first.
    public fileprivate(set) var records: [StoredRecord] = []
    /// The search goes on with calls accepted before this; nil where there are no more.
    public fileprivate(set) var next: Int?
}

extension Store {
    /// Calls looked at in one piece, at first and at most.
    private static let pieces = (first: 256, largest: 8192)
    /// Where bodies are read, each of which may be megabytes.
    private static let piecesWithBodies = (first: 8, largest: 32)

    /// The records that a filter asks for, the newest first, piece by piece: between two of them
    /// it is asked whether to go on.
    ///
    /// No index knows every column. A filter that few calls meet looks at all of them, which takes
    /// seconds for a million: who asks gets what was found so far, and asks again from there.
    public func search(
        _ filter: RecordFilter, limit: Int, while goesOn: () -> Bool
    ) throws -> RecordSearch {
        var search = RecordSearch()
        // An index finds a session's calls, which are few.
        let isIndexed = filter.session != nil && filter.text == nil
        let (first, largest) = filter.text == nil ? Self.pieces : Self.piecesWithBodies
        var count = first
        var until = filter.until ?? .max
        let end = filter.since ?? .min
        while true {
            var piece = filter
            piece.until = until
            let begin = isIndexed ? nil : try self.begin(of: count, before: until)
            if let begin, begin > end { piece.since = begin }
            let left = limit - search.records.count
            search.records += try records(piece, limit: left)
            if search.records.count >= limit {
                search.next = search.records.last?.record.acceptedMicroseconds
                return search
            }
            guard let begin, begin > end else { return search }
            until = begin
            guard goesOn() else {
                search.next = until
                return search
            }
            count = min(count * 2, largest)
        }
    }

    /// When the first of so many calls before a time was accepted; nil where there are fewer.
    private func begin(of count: Int, before time: Int) throws -> Int? {
        try database.read { db in
            let times = try ["exchanges", "records"].compactMap { table in
                try Int.fetchOne(
                    db.cachedStatement(
                        sql: """
                            SELECT accepted_us FROM \(table) WHERE accepted_us < ?
                            ORDER BY accepted_us DESC LIMIT 1 OFFSET ?
                            """), arguments: [time, count - 1])
            }
            return times.max()
        }
    }
}
