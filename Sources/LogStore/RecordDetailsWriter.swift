import Primitives

/// Writes what of a record no condition asks for; see ``RecordDetails``.
struct RecordDetailsWriter: ~Copyable {
    /// What was written last.
    private(set) var buffer = ByteBuffer()
    private var part = ByteBuffer()
    private var shapes = UsageShape.Scratch()

    /// Writes the details of a record, of whose entries some are in a segment.
    mutating func write(
        _ record: borrowing Record, _ sizes: RecordDetails.Sizes, _ names: inout NameWriter
    ) throws {
        buffer.removeAll()
        buffer.append(byte: RecordDetails.version)
        for index in sizes.lengths.indices { append(size: sizes.lengths[index]) }
        append(size: sizes.request)
        append(size: sizes.response)
        let day = NameTable.day(ofMicroseconds: record.acceptedMicroseconds)
        var last = 0
        let fields = RecordDetails.fields
        for index in fields.indices {
            let number = fields[index].number
            switch number {
            case RecordDetails.Special.attempts:
                guard !record.attempts.isEmpty else { continue }
                part.removeAll()
                try PackedAttempts.write(record.attempts, day: day, &names, to: &part)
                appendPart(number, after: &last)
            case RecordDetails.Special.usage:
                guard !record.usageText.isEmpty else { continue }
                part.removeAll()
                try UsageShape.write(record.usageText, day: day, &names, &shapes, to: &part)
                appendPart(number, after: &last)
            default:
                try append(fields[index], of: record, day: day, after: &last, &names)
            }
        }
    }

    private mutating func append(
        _ field: borrowing RecordDetails.Field, of record: borrowing Record, day: Int,
        after last: inout Int, _ names: inout NameWriter
    ) throws {
        let number = field.number
        switch field.value {
        case .text(let get):
            let text = get(record)
            guard !text.isEmpty else { return }
            if field.isName, let name = try names.number(of: text, day: day, slot: number & 63) {
                append(tag: number, RecordDetails.Kind.name, after: &last)
                buffer.append(varint: UInt64(clamping: name))
            } else {
                append(tag: number, RecordDetails.Kind.bytes, after: &last)
                buffer.append(varint: UInt64(text.utf8.count))
                buffer.append(text: text)
            }
        case .number(let get):
            let value = get(record)
            guard value != 0 else { return }
            append(tag: number, RecordDetails.Kind.number, after: &last)
            buffer.append(zigzag: value)
        case .optional(let get):
            guard let value = get(record) else { return }
            append(tag: number, RecordDetails.Kind.number, after: &last)
            buffer.append(zigzag: value)
        case .flag(let get):
            guard get(record) else { return }
            append(tag: number, RecordDetails.Kind.number, after: &last)
            buffer.append(zigzag: 1)
        case .written, .body, .decimal, .tree:
            preconditionFailure("no record's details have a column of this kind")
        }
    }

    private mutating func appendPart(_ number: Int, after last: inout Int) {
        append(tag: number, RecordDetails.Kind.bytes, after: &last)
        buffer.append(varint: UInt64(part.count))
        buffer.append(contentsOf: part)
    }

    private mutating func append(tag number: Int, _ kind: UInt64, after last: inout Int) {
        buffer.append(varint: UInt64(number - last) << 2 | kind)
        last = number
    }

    private mutating func append(size: Int) {
        buffer.append(varint: UInt64(clamping: size))
    }
}
