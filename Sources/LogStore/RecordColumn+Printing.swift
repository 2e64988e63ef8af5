public import JSON
import Primitives

extension RecordColumn {
    /// Appends the column's members to a JSON object; what is empty is left out.
    func append(_ record: borrowing Record, to members: inout [JSONValue.Member]) {
        switch value {
        case .text, .written:
            let text = text(record)
            if !text.isEmpty { members.append(JSONValue.Member(name, .string(text))) }
        case .number(let get):
            members.append(JSONValue.Member(name, .number("\(get(record))")))
        case .optional(let get):
            guard let number = get(record) else { return }
            members.append(JSONValue.Member(name, .number("\(number)")))
        case .flag(let get):
            members.append(JSONValue.Member(name, .bool(get(record))))
        case .body(let get):
            append(get(record), to: &members)
        case .decimal(let get):
            guard let number = get(record) else { return }
            members.append(JSONValue.Member(name, .number("\(number)")))
        case .tree(let get):
            guard let tree = get(record) else { return }
            members.append(JSONValue.Member(name, tree))
        }
    }

    /// Bodies as text, or in base 64 where they are none.
    private func append(_ body: Record.Body, to members: inout [JSONValue.Member]) {
        guard body.totalBytes > 0 else { return }
        if let text = String(validating: body.bytes, as: UTF8.self) {
            if !text.isEmpty { members.append(JSONValue.Member(name, .string(text))) }
        } else {
            let text = Base64.text(body.bytes)
            members.append(JSONValue.Member("\(name)_base64", .string(text)))
        }
        if body.isCut { members.append(JSONValue.Member("\(name)_is_cut", .bool(true))) }
    }

    /// The column's cell in a table of texts; empty where there is no value.
    func cell(_ record: borrowing Record) -> String {
        switch value {
        case .text, .written: text(record)
        case .number(let get): "\(get(record))"
        case .optional(let get): get(record).map { "\($0)" } ?? ""
        case .flag(let get): "\(get(record))"
        case .body(let get): String(decoding: get(record).bytes, as: UTF8.self)
        case .decimal(let get): get(record).map { "\($0)" } ?? ""
        case .tree(let get): get(record).map { "\($0)" } ?? ""
        }
    }

    /// The column's value in a row of ClickHouse's.
    public func clickHouseValue(_ stored: StoredRecord) -> JSONValue {
        let record = stored.record
        switch value {
        case .text, .written, .body, .tree: return .string(cell(record))
        case .number(let get): return .number("\(get(record))")
        case .optional(let get): return get(record).map { .number("\($0)") } ?? .null
        case .flag(let get): return .number(get(record) ? "1" : "0")
        case .decimal(let get): return get(record).map { .number("\($0)") } ?? .null
        }
    }

    /// The value of a column of text.
    private func text(_ record: borrowing Record) -> String {
        switch value {
        case .text(let get): return get(record)
        case .written(let write):
            var buffer = ByteBuffer()
            write(record, &buffer)
            return buffer.bytes.text
        default: return ""
        }
    }
}
