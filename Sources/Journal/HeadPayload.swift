public import Primitives

/// What a journal holds of a vendor's final head; its status is the frame's detail.
public struct HeadPayload: Equatable, Sendable {
    /// Whether the response is a stream of events.
    public var isEventStream: Bool
    /// The content codings of its body, as the vendor named them; empty without one.
    public var encoding: String
    /// The header fields, a line each, credentials taken out.
    public var fields: String

    /// A head of these parts.
    public init(isEventStream: Bool, encoding: String = "", fields: String = "") {
        self.isEventStream = isEventStream
        self.encoding = encoding
        self.fields = fields
    }

    /// Reads a payload; nil when it is not whole.
    public init?(_ payload: Span<UInt8>) {
        var reader = PayloadReader(payload)
        isEventStream = reader.byte() != 0
        encoding = reader.text()
        fields = reader.block()
        if reader.isShort { return nil }
    }

    /// Writes the payload.
    public func write(to writer: inout PayloadWriter) {
        var encoding = ByteBuffer()
        encoding.append(text: self.encoding)
        Self.write(
            isEventStream: isEventStream, encoding: encoding.bytes, to: &writer,
            fields: { $0.append(text: fields) })
    }

    /// Writes a payload whose parts lie elsewhere: nothing of them is copied on the way.
    public static func write(
        isEventStream: Bool, encoding: Span<UInt8>, to writer: inout PayloadWriter,
        fields: (inout ByteBuffer) -> Void
    ) {
        writer.byte(isEventStream ? 1 : 0)
        writer.bytes(encoding)
        writer.block(fields)
    }
}
