public import JSON

extension StoredRecord {
    /// The record as exports hold it; bodies as text, or in base 64 where they are none.
    public func json(withBodies: Bool) -> JSONValue {
        var members: [JSONValue.Member] = []
        members.reserveCapacity(48)
        for column in RecordColumn.list(withBodies: withBodies)
        where column.exports.contains(.json) {
            column.append(record, to: &members)
        }
        if !faults.isEmpty {
            let texts = faults.map { JSONValue.string($0.description) }
            members.append(JSONValue.Member("content_faults", .array(texts)))
        }
        return .object(members)
    }
}
