public import Primitives

/// One message of `application/vnd.amazon.eventstream`: fields, and bytes.
///
/// Lengths, fields and payload stand between two checksums: one of the lengths, one of all.
public struct AmazonEvent: Equatable, Sendable {
    /// The fields whose values are texts, in their order.
    public var fields: [(name: String, value: String)]
    /// The bytes that it is about.
    public var payload: [UInt8]

    /// A message.
    public init(fields: [(name: String, value: String)], payload: [UInt8]) {
        self.fields = fields
        self.payload = payload
    }

    /// The text of a field; nil without one.
    public subscript(name: String) -> String? {
        fields.last { $0.name == name }?.value
    }

    /// Whether both have the same fields and bytes.
    public static func == (one: AmazonEvent, other: AmazonEvent) -> Bool {
        one.payload == other.payload
            && one.fields.elementsEqual(other.fields) { $0.name == $1.name && $0.value == $1.value }
    }

    /// The bytes that a reader needs to know a message's length.
    static let preludeCount = 12
    /// A message without fields and payload.
    static let countMin = 16

    /// Appends the message's bytes.
    ///
    /// A field's name has at most 255 bytes, and its value 65,535.
    public func write(to output: inout ByteBuffer) {
        var head: [UInt8] = []
        for field in fields {
            let (name, value) = (Array(field.name.utf8), Array(field.value.utf8))
            guard 1...0xFF ~= name.count, value.count <= 0xFFFF else { continue }
            head.append(UInt8(name.count))
            head += name
            // A text.
            head.append(7)
            head.append(UInt8(value.count >> 8))
            head.append(UInt8(value.count & 0xFF))
            head += value
        }
        var message = Self.word(UInt32(Self.countMin + head.count + payload.count))
        message += Self.word(UInt32(head.count))
        message += Self.word(CRC32.of(message.span))
        message += head
        message += payload
        message += Self.word(CRC32.of(message.span))
        output.append(message.span)
    }

    private static func word(_ value: UInt32) -> [UInt8] {
        stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> UInt32($0)) }
    }
}
