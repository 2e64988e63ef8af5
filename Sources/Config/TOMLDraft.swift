/// The tables of a document while it is read, and the rules of what may still be added to each.
///
/// Tables are numbered: a header may reach into any of them until the document ends. Inline tables
/// and lists in brackets are finished where they close, so that nothing can be added to them.
struct TOMLDraft {
    /// The number of the table that the document itself is.
    static let root = 0

    /// What has made a table.
    private enum Origin {
        /// A longer header: `[a.b]` makes `a`, and `[a]` may still define it.
        case path
        /// A header of its own, the document, or the braces of an inline table.
        case definition
        /// A dotted key: it defines the table, and more keys like it may add to it.
        case dottedKey
    }

    private enum Slot {
        case value(TOMLValue)
        case table(Int)
        /// The index of a list of tables, which `[[a]]` adds to.
        case list(Int)
    }

    private struct Member {
        let key: [UInt8]
        var location: SourceLocation
        var slot: Slot
    }

    private struct Table {
        var origin: Origin
        let depth: Int
        var location: SourceLocation
        var members: [Member] = []
        var indexes: [[UInt8]: Int] = [:]
    }

    private var tables = [Table(origin: .definition, depth: 0, location: .start)]
    private var lists: [[Int]] = []

    /// How deep a table lies: the document's own is at 0.
    func depth(of table: Int) -> Int { tables[table].depth }

    /// A table that belongs to nothing yet: an inline one, or one for the keys of a refused header.
    mutating func addLoose(depth: Int, at location: SourceLocation) -> Int {
        add(.definition, depth: depth, at: location)
    }

    /// Takes the inline table that was added last out, with all that is in it.
    mutating func finish(_ table: Int) -> TOMLTable {
        let finished = made(table)
        tables.removeLast(tables.count - table)
        return finished
    }

    /// The whole document.
    func finished() -> TOMLTable { made(Self.root) }

    /// Recurses as deep as the document does, which the reader bounds.
    private func made(_ number: Int) -> TOMLTable {
        let table = tables[number]
        let entries = table.members.map { member in
            TOMLTable.Entry(
                key: String(decoding: member.key, as: UTF8.self), location: member.location,
                value: made(member))
        }
        return TOMLTable(entries, indexes: table.indexes)
    }

    private func made(_ member: Member) -> TOMLValue {
        switch member.slot {
        case .value(let value): return value
        case .table(let table):
            return TOMLValue(location: member.location, content: .table(made(table)))
        case .list(let list):
            let elements = lists[list].map { number in
                TOMLValue(location: tables[number].location, content: .table(made(number)))
            }
            return TOMLValue(location: member.location, content: .array(elements))
        }
    }

    private mutating func add(_ origin: Origin, depth: Int, at location: SourceLocation) -> Int {
        tables.append(Table(origin: origin, depth: depth, location: location))
        return tables.count - 1
    }

    private func index(of key: [UInt8], in table: Int) -> Int? { tables[table].indexes[key] }

    private mutating func insert(
        _ slot: Slot, _ key: [UInt8], in table: Int, at location: SourceLocation
    ) {
        tables[table].indexes[key] = tables[table].members.count
        tables[table].members.append(Member(key: key, location: location, slot: slot))
    }

    private mutating func insertTable(
        _ origin: Origin, _ key: [UInt8], in table: Int, at location: SourceLocation
    ) -> Int {
        let added = add(origin, depth: tables[table].depth + 1, at: location)
        insert(.table(added), key, in: table, at: location)
        return added
    }
}

// Key/value pairs.
extension TOMLDraft {
    /// Sets a key, dotted or not, in a table.
    mutating func set(
        _ key: TOMLKey, to value: TOMLValue, in table: Int, at location: SourceLocation
    ) throws(TOMLFault) {
        var table = table
        for (position, part) in key.parts.dropLast().enumerated() {
            guard let index = index(of: part, in: table) else {
                table = insertTable(.dottedKey, part, in: table, at: location)
                continue
            }
            let member = tables[table].members[index]
            let name = key.prefix(position + 1)
            guard case .table(let next) = member.slot else {
                throw refusal(name, member, "keys cannot be added to it", at: location)
            }
            guard tables[next].origin != .definition else {
                let line = tables[next].location.line
                throw TOMLFault(
                    location: location,
                    message: "\(name) is a table with a header of its own (line \(line)); "
                        + "its keys belong beneath that header")
            }
            tables[next].origin = .dottedKey
            table = next
        }
        if let index = index(of: key.last, in: table) {
            let line = tables[table].members[index].location.line
            throw TOMLFault(
                location: location, message: "\(key) is set twice; the first time on line \(line)")
        }
        insert(.value(value), key.last, in: table, at: location)
    }
}

// Headers.
extension TOMLDraft {
    /// The table that `[key]` defines.
    mutating func define(
        _ key: TOMLKey, at location: SourceLocation
    ) throws(TOMLFault) -> Int {
        let table = try parent(of: key, at: location)
        guard let index = index(of: key.last, in: table) else {
            return insertTable(.definition, key.last, in: table, at: location)
        }
        let member = tables[table].members[index]
        switch member.slot {
        case .table(let known) where tables[known].origin == .path:
            tables[known].origin = .definition
            tables[known].location = location
            tables[table].members[index].location = location
            return known
        case .table(let known):
            throw TOMLFault(
                location: location,
                message: "the table \(key) is defined twice; the first time on line "
                    + "\(tables[known].location.line)")
        case .list:
            throw TOMLFault(
                location: location,
                message: "\(key) is a list of tables (line \(member.location.line)); "
                    + "[[\(key.text)]] adds one to it")
        case .value: throw refusal("\(key)", member, "no header can open it", at: location)
        }
    }

    /// The table that `[[key]]` adds to a list.
    mutating func append(
        _ key: TOMLKey, at location: SourceLocation
    ) throws(TOMLFault) -> Int {
        let table = try parent(of: key, at: location)
        let depth = tables[table].depth + 2
        guard let index = index(of: key.last, in: table) else {
            let added = add(.definition, depth: depth, at: location)
            lists.append([added])
            insert(.list(lists.count - 1), key.last, in: table, at: location)
            return added
        }
        let member = tables[table].members[index]
        switch member.slot {
        case .list(let list):
            let added = add(.definition, depth: depth, at: location)
            lists[list].append(added)
            return added
        case .table:
            throw TOMLFault(
                location: location,
                message: "\(key) is a table (line \(member.location.line)) and cannot be "
                    + "a list of tables, too")
        case .value: throw refusal("\(key)", member, "no header can add to it", at: location)
        }
    }

    /// The table that holds the last part of a header's key; of a list it is the last one's.
    private mutating func parent(
        of key: TOMLKey, at location: SourceLocation
    ) throws(TOMLFault) -> Int {
        var table = Self.root
        for (position, part) in key.parts.dropLast().enumerated() {
            guard let index = index(of: part, in: table) else {
                table = insertTable(.path, part, in: table, at: location)
                continue
            }
            let member = tables[table].members[index]
            switch member.slot {
            case .table(let next): table = next
            case .list(let list): table = lists[list][lists[list].count - 1]
            case .value:
                throw refusal(
                    key.prefix(position + 1), member, "no header can add to it", at: location)
            }
        }
        return table
    }

    private func refusal(
        _ name: String, _ member: Member, _ consequence: String, at location: SourceLocation
    ) -> TOMLFault {
        let kind =
            switch member.slot {
            case .value(let value):
                switch value.content {
                case .table: "an inline table"
                case .array: "a list in brackets"
                default: value.content.kind
                }
            case .table: "a table"
            case .list: "a list of tables"
            }
        return TOMLFault(
            location: location,
            message: "\(name) is \(kind) (line \(member.location.line)); \(consequence)")
    }
}
