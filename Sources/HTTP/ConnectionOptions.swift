import Primitives

/// The fields of a head that its `Connection` fields name, which are for one connection only.
///
/// Names and list are each walked over once: to look for each of many fields in a long list would
/// take the product of both.
public struct ConnectionOptions: ~Copyable {
    /// Whether each field is named, by its index; empty where none is.
    private var listed: ContiguousArray<Bool> = []
    /// Bytes walked over.
    private(set) var steps = 0

    /// The fields that `Connection` names among these.
    init(_ fields: ContiguousArray<HeaderField>, _ storage: borrowing ByteBuffer) {
        guard Self.namesFields(fields, storage) else { return }
        var indexes: [Int: [Int]] = [:]
        for index in fields.indices {
            let name = storage.bytes(fields[index].nameRange)
            indexes[hash(name), default: []].append(index)
        }
        listed = ContiguousArray(repeating: false, count: fields.count)
        for field in fields where field.name == .connection {
            let list = storage.bytes(field.valueRange)
            var start = 0
            while start <= list.count {
                let end = list.firstIndex(of: UInt8(ascii: ","), from: start) ?? list.count
                let name = list.extracting(start..<end).trimmed
                start = end + 1
                // Taken out: a name that stands there again costs no more than its bytes.
                guard let found = indexes.removeValue(forKey: hash(name)) else { continue }
                for index in found {
                    let candidate = storage.bytes(fields[index].nameRange)
                    steps += candidate.count
                    if candidate.equalsIgnoringCase(name) { listed[index] = true }
                }
            }
        }
    }

    /// Whether the field at an index is named.
    public func lists(_ index: Int) -> Bool { index < listed.count && listed[index] }

    /// Whether a `Connection` field says more than "close" or "keep-alive".
    private static func namesFields(
        _ fields: ContiguousArray<HeaderField>, _ storage: borrowing ByteBuffer
    ) -> Bool {
        for field in fields where field.name == .connection {
            let value = storage.bytes(field.valueRange)
            if !value.matchesIgnoringCase("keep-alive"), !value.matchesIgnoringCase("close") {
                return true
            }
        }
        return false
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
