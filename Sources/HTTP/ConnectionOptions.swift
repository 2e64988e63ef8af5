import Primitives

/// The fields of a head that its `Connection` fields name, which are for one connection only.
///
/// Names and list are each walked over once where they are long: to look for each of many fields in
/// a long list would take the product of both. A short list, as nearly all are, is looked for as it
/// is, because a table of the names costs a hundred times that.
public struct ConnectionOptions: ~Copyable {
    /// Names times fields up to which each is compared with each.
    private static let comparisonsMax = 512

    /// Whether each field is named, by its index; empty where none is.
    private var listed: ContiguousArray<Bool> = []
    /// Bytes walked over.
    private(set) var steps = 0

    /// The fields that `Connection` names among these.
    init(_ fields: ContiguousArray<HeaderField>, _ storage: borrowing ByteBuffer) {
        let nameCount = Self.nameCount(fields, storage)
        guard nameCount > 0 else { return }
        let isShort = nameCount * fields.count <= Self.comparisonsMax
        var indexes: [Int: [Int]] = [:]
        if !isShort {
            for index in fields.indices {
                let name = storage.bytes(fields[index].nameRange)
                indexes[hash(name), default: []].append(index)
            }
        }
        listed = ContiguousArray(repeating: false, count: fields.count)
        for field in fields where field.name == .connection {
            let list = storage.bytes(field.valueRange)
            var start = 0
            while start <= list.count {
                let end = list.firstIndex(of: UInt8(ascii: ","), from: start) ?? list.count
                let name = list.extracting(start..<end).trimmed
                start = end + 1
                if isShort {
                    for index in fields.indices { mark(index, as: name, fields, storage) }
                } else {
                    // Taken out: a name that stands there again costs no more than its bytes.
                    for index in indexes.removeValue(forKey: hash(name)) ?? [] {
                        mark(index, as: name, fields, storage)
                    }
                }
            }
        }
    }

    /// Marks a field as named where it has this name.
    private mutating func mark(
        _ index: Int, as name: Span<UInt8>, _ fields: ContiguousArray<HeaderField>,
        _ storage: borrowing ByteBuffer
    ) {
        let candidate = storage.bytes(fields[index].nameRange)
        steps += candidate.count
        if candidate.equalsIgnoringCase(name) { listed[index] = true }
    }

    /// Whether the field at an index is named.
    public func lists(_ index: Int) -> Bool { index < listed.count && listed[index] }

    /// How many names the `Connection` fields list; none where they say no more than "close" or
    /// "keep-alive".
    private static func nameCount(
        _ fields: ContiguousArray<HeaderField>, _ storage: borrowing ByteBuffer
    ) -> Int {
        var count = 0
        for field in fields where field.name == .connection {
            let value = storage.bytes(field.valueRange)
            if value.matchesIgnoringCase("keep-alive") || value.matchesIgnoringCase("close") {
                continue
            }
            count += 1
            for index in value.indices where value[index] == UInt8(ascii: ",") { count += 1 }
        }
        return count
    }

    /// A number of a name in any case, by the process's own random key.
    private mutating func hash(_ name: Span<UInt8>) -> Int {
        steps += name.count
        var hasher = Hasher()
        for index in name.indices { hasher.combine(name[index].lowercased) }
        return hasher.finalize()
    }
}

extension RequestHead {
    /// The fields that the head's `Connection` fields name.
    public var connectionOptions: ConnectionOptions { ConnectionOptions(fields, storage) }
}
