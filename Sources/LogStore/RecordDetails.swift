import Primitives

// DESIGN
//
// What of a record no condition asks for stands in one value of its row:
//
//   1  version   1
//   …  the bytes that each of its four entries in a segment holds, and of both bodies in all
//   …  fields    4 · (number of its column - that of the field before) + kind, then, by kind:
//                0 a number; 1 the number of a name; 2 bytes, behind their length
//
// All numbers are as long as they need to be. A field that is empty, zero or unknown is not there.
// A version that does not know a field passes it over. Of bytes that are damaged it reads what
// stands before the first that means nothing.

/// What of a record no condition asks for, as its row has it.
enum RecordDetails {
    static let version: UInt8 = 1

    /// The kinds of fields.
    enum Kind {
        static let number: UInt64 = 0
        static let name: UInt64 = 1
        static let bytes: UInt64 = 2
    }

    /// Columns whose values have a form of their own.
    enum Special {
        static let attempts = 15
        static let usage = 35
    }

    /// The bits of the fields that sums of attempts are made of: attempts, answered, key_group.
    static let wantedForAttempts: UInt64 = 1 << 15 | 1 << 17 | 1 << 52

    /// A column that stands in the details.
    struct Field: Sendable {
        let number: Int
        let value: RecordColumn.Value
        let isName: Bool
    }

    /// Sizes of what a record keeps in a segment.
    struct Sizes: Equatable, Sendable {
        /// What a damaged row may say at most, so that no sum is beyond what a number holds.
        static let limit = 1 << 40

        /// Bytes that each entry holds, by their kinds in order.
        var lengths: InlineArray<4, Int> = [0, 0, 0, 0]
        /// Bytes of the request's body in all.
        var request = 0
        /// Bytes of the response's body in all.
        var response = 0

        static func == (one: Sizes, other: Sizes) -> Bool {
            one.request == other.request && one.response == other.response
                && one.lengths.indices.allSatisfy { one.lengths[$0] == other.lengths[$0] }
        }
    }

    /// The fields, in the order of their numbers.
    static let fields: [Field] = stored.compactMap { column, stored in
        guard stored.assignment != nil else { return nil }
        return Field(number: stored.number, value: column.value, isName: stored.isName)
    }

    private static let stored = RecordColumn.records.compactMap { column in
        column.stored.map { (column: column, stored: $0) }
    }
    .filter { !ExchangeTable.ownColumns.contains($0.stored.number) }
    .sorted { $0.stored.number < $1.stored.number }

    /// How the values of fields are put into a record, by their numbers.
    private static let assignments: [RecordColumn.Assignment?] = {
        var list = [RecordColumn.Assignment?](
            repeating: nil, count: (stored.last?.stored.number ?? 0) + 1)
        for (_, stored) in stored { list[stored.number] = stored.assignment }
        return list
    }()

    /// Reads the details of a row into a record; nil where they are of no version that is known.
    ///
    /// `name`: the text of a name's number; `wanted`: the bits of the fields to be read.
    static func read(
        _ bytes: Span<UInt8>, into record: inout Record, wanted: UInt64 = .max,
        _ name: (Int64) throws -> String
    ) rethrows -> Sizes? {
        var reader = VarintReader(bytes)
        guard let sizes = sizes(&reader) else { return nil }
        var number: UInt64 = 0
        while !reader.isAtEnd {
            let tag = reader.number()
            number &+= tag >> 2
            let isWanted = number < UInt64(assignments.count) && wanted & 1 << number != 0
            let assignment = isWanted ? assignments[Int(number)] : nil
            switch tag & 3 {
            case Kind.number:
                let value = reader.zigzag()
                guard !reader.isShort else { return sizes }
                assignment?.put(value, into: &record)
            case Kind.name:
                let value = reader.number()
                guard !reader.isShort else { return sizes }
                if isWanted { assignment?.put(try name(Int64(clamping: value)), into: &record) }
            case Kind.bytes:
                let value = reader.run(reader.number())
                guard !reader.isShort else { return sizes }
                guard isWanted else { continue }
                switch Int(clamping: number) {
                case Special.attempts: record.attempts = try PackedAttempts.read(value, name)
                case Special.usage: record.usageText = try UsageShape.read(value, name)
                default: assignment?.put(value.text, into: &record)
                }
            default:
                return sizes
            }
        }
        return sizes
    }

    /// The sizes alone.
    static func sizes(_ bytes: Span<UInt8>) -> Sizes? {
        var reader = VarintReader(bytes)
        return sizes(&reader)
    }

    private static func sizes(_ reader: inout VarintReader) -> Sizes? {
        guard reader.number() == UInt64(version), !reader.isShort else { return nil }
        var sizes = Sizes()
        for index in sizes.lengths.indices {
            sizes.lengths[index] = reader.size(atMost: Sizes.limit)
        }
        sizes.request = reader.size(atMost: Sizes.limit)
        sizes.response = reader.size(atMost: Sizes.limit)
        return reader.isShort ? nil : sizes
    }

    /// The same details without some of the fields, and with nothing kept; nil where they are of no
    /// version that is known.
    static func erased(_ bytes: Span<UInt8>, without erased: Set<Int>) -> [UInt8]? {
        var reader = VarintReader(bytes)
        guard reader.number() == UInt64(version), !reader.isShort else { return nil }
        var result = ByteBuffer(capacity: bytes.count)
        result.append(byte: version)
        // Nothing is kept any more, and the totals stay: they say how much there was.
        for index in 0..<6 {
            let size = reader.number()
            result.append(varint: index < 4 ? 0 : size)
        }
        guard !reader.isShort else { return nil }
        var number: UInt64 = 0
        var last: UInt64 = 0
        while !reader.isAtEnd {
            let tag = reader.number()
            number &+= tag >> 2
            let isErased = erased.contains(Int(clamping: number))
            if !isErased {
                result.append(varint: (number &- last) << 2 | tag & 3)
                last = number
            }
            if tag & 3 == Kind.bytes {
                let count = reader.number()
                let run = reader.run(count)
                if !isErased {
                    result.append(varint: UInt64(run.count))
                    result.append(run)
                }
            } else {
                let value = reader.number()
                if !isErased { result.append(varint: value) }
            }
            guard !reader.isShort else { break }
        }
        return [UInt8](result.bytes)
    }
}

extension RecordColumn.Assignment {
    /// Puts a number into a record, where the column is one of numbers.
    fileprivate func put(_ number: Int, into record: inout Record) {
        switch self {
        case .number(let set): set(&record, number)
        case .optional(let set): set(&record, number)
        case .flag(let set): set(&record, number != 0)
        case .text, .bytes: break
        }
    }

    /// Puts a text into a record, where the column is one of texts.
    fileprivate func put(_ text: String, into record: inout Record) {
        if case .text(let set) = self { set(&record, text) }
    }
}
