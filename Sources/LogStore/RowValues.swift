import Primitives

/// Values of rows, one behind the other, from their making until an insertion binds them.
///
/// They are made without the database, by any thread.
struct RowValues: ~Copyable {
    private enum Value {
        case number(Int)
        case absent
        case text(Range<Int>)
        case bytes(Range<Int>)
    }

    /// A value as it is lent.
    @unsafe
    enum Lent {
        case number(Int)
        case absent
        case text(UnsafeRawBufferPointer)
        case bytes(UnsafeRawBufferPointer)
    }

    /// Memory kept from one use to the next.
    private static let keptBytesMax = 256 << 10

    private var values: [Value] = []
    private var memory = ByteBuffer()

    /// Values so far.
    var count: Int { values.count }

    mutating func append(_ number: Int?) {
        values.append(number.map(Value.number) ?? .absent)
    }

    mutating func append(_ text: some StringProtocol) {
        // Even an empty text has an address: without one it would be NULL.
        memory.reserve(1)
        let start = memory.count
        memory.append(text: String(text))
        values.append(.text(start..<memory.count))
    }

    /// Appends a value of bytes.
    mutating func append(bytes: borrowing ByteBuffer) {
        memory.reserve(1)
        let start = memory.count
        memory.append(contentsOf: bytes)
        values.append(.bytes(start..<memory.count))
    }

    /// Forgets all of them.
    mutating func removeAll() {
        values.removeAll(keepingCapacity: true)
        if memory.capacity > Self.keptBytesMax { memory.release() } else { memory.removeAll() }
    }

    /// Lends a value; its bytes stay where they are until another is appended.
    @unsafe
    func withValue(_ index: Int, _ body: (Lent) -> Void) {
        switch values[index] {
        case .number(let number): unsafe body(.number(number))
        case .absent: unsafe body(.absent)
        case .text(let range):
            unsafe body(.text(UnsafeRawBufferPointer(rebasing: memory.pointer[range])))
        case .bytes(let range):
            unsafe body(.bytes(UnsafeRawBufferPointer(rebasing: memory.pointer[range])))
        }
    }
}
