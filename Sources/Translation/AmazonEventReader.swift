import Primitives

/// Splits a stream of `application/vnd.amazon.eventstream` that arrives in pieces.
///
/// A message counts only when both of its checksums fit. Behind one that does not nothing is read:
/// no mark says where the next one begins.
public struct AmazonEventReader: ~Copyable {
    /// Why a stream is not understood.
    public enum Fault: String, Sendable {
        /// The lengths do not fit their checksum.
        case prelude = "the lengths of a message do not fit their checksum"
        /// The message does not fit its checksum.
        case message = "a message does not fit its checksum"
        /// The lengths contradict each other.
        case length = "a message has lengths that contradict each other"
        /// The message is larger than the bound.
        case tooLarge = "a message is too large"
        /// A field ends beyond the fields' end, or is of no known type.
        case field = "a message has a field that is malformed"
        /// The stream ends within a message.
        case unfinished = "the stream ends within a message"
    }

    private let bytesMax: Int
    private var buffer = ByteBuffer()
    /// The length of the message that has begun; nil as long as it is not known.
    private var count: Int?
    /// Why nothing more is read; nil as long as all is well.
    public private(set) var fault: Fault?

    /// A reader at the start of a stream that keeps at most so many bytes of a message.
    public init(bytesMax: Int) {
        self.bytesMax = bytesMax
    }

    /// Takes a piece of the stream; each message that it completes goes to the closure.
    public mutating func take(_ bytes: Span<UInt8>, _ complete: (AmazonEvent) -> Void) {
        var start = 0
        while fault == nil {
            if count == nil {
                // Only the lengths at first, so that no byte of the next message is copied twice.
                append(bytes, from: &start, upTo: AmazonEvent.preludeCount)
                guard buffer.count == AmazonEvent.preludeCount else { return }
                readPrelude()
            }
            guard let count, fault == nil else { return }
            append(bytes, from: &start, upTo: count)
            guard buffer.count == count else { return }
            readMessage(complete)
            buffer.removeAll()
            self.count = nil
        }
    }

    /// Takes the end of the stream, which must be the end of a message.
    public mutating func end() {
        if fault == nil, !buffer.isEmpty { fault = .unfinished }
    }

    private mutating func append(_ bytes: Span<UInt8>, from start: inout Int, upTo total: Int) {
        let end = min(bytes.count, start + total - buffer.count)
        buffer.append(bytes.extracting(start..<end))
        start = end
    }

    private func word(at index: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 << 8 | UInt32(buffer.bytes[index + $1]) }
    }

    private mutating func readPrelude() {
        let (total, head) = (Int(word(at: 0)), Int(word(at: 4)))
        guard CRC32.of(buffer.bytes(0..<8)) == word(at: 8) else { return fault = .prelude }
        guard head <= total - AmazonEvent.countMin else { return fault = .length }
        guard total <= bytesMax else { return fault = .tooLarge }
        count = total
    }

    private mutating func readMessage(_ complete: (AmazonEvent) -> Void) {
        let end = buffer.count - 4
        guard CRC32.of(buffer.bytes(0..<end)) == word(at: end) else { return fault = .message }
        let start = AmazonEvent.preludeCount + Int(word(at: 4))
        guard let fields = Self.fields(buffer.bytes(AmazonEvent.preludeCount..<start)) else {
            return fault = .field
        }
        complete(AmazonEvent(fields: fields, payload: Array(buffer.bytes(start..<end))))
    }

    /// The fields that are texts; nil where one is malformed.
    private static func fields(_ bytes: Span<UInt8>) -> [(name: String, value: String)]? {
        var fields: [(name: String, value: String)] = []
        var index = 0
        func has(_ count: Int) -> Bool { count <= bytes.count - index }
        while index < bytes.count {
            let nameCount = Int(bytes[index])
            index += 1
            guard nameCount > 0, has(nameCount + 1) else { return nil }
            let name = String(
                decoding: Array(bytes.extracting(index..<index + nameCount)), as: UTF8.self)
            let type = bytes[index + nameCount]
            index += nameCount + 1
            let valueCount: Int
            switch type {
            case 0, 1: valueCount = 0
            case 2: valueCount = 1
            case 3: valueCount = 2
            case 4: valueCount = 4
            case 5, 8: valueCount = 8
            case 9: valueCount = 16
            case 6, 7:
                guard has(2) else { return nil }
                valueCount = Int(bytes[index]) << 8 | Int(bytes[index + 1])
                index += 2
            default: return nil
            }
            guard has(valueCount) else { return nil }
            if type == 7 {
                let value = Array(bytes.extracting(index..<index + valueCount))
                fields.append((name, String(decoding: value, as: UTF8.self)))
            }
            index += valueCount
        }
        return fields
    }
}
