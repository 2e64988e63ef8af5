public import Primitives

/// What a journal says of a request: the caller, the call, and the chain that serves it.
public struct BeginPayload: Equatable, Sendable {
    /// The exchange's name, as the client gets it.
    public var identifier: Identifier
    /// Wall-clock time of the frame, in microseconds since 1970.
    public var wallMicroseconds: Int
    /// How long before the frame the request's first byte came, in nanoseconds.
    public var acceptedBeforeNanoseconds: Int
    /// The dialect's number.
    public var dialect: Int
    /// A digest of the credential the client sent; 0 without one.
    public var keyDigest: UInt64
    /// Bytes of the request's body; -1 when that is not known yet.
    public var bodyBytes: Int
    /// The method.
    public var method: String
    /// Path and query, credentials taken out.
    public var target: String
    /// The chain that serves it; empty where none does.
    public var chain: String
    /// The model the client asked for; empty where none is known.
    public var model: String
    /// The header fields, a line each, credentials taken out.
    public var fields: String
    /// The client's address, without its port; empty where it is not known, as in journals of
    /// versions that did not write it.
    public var client: String
    /// Who calls, and what is held for the call.
    public var caller: CallerAccount

    /// Reads a payload; nil when it is not whole.
    public init?(_ payload: Span<UInt8>) {
        var reader = PayloadReader(payload)
        identifier = Identifier(high: reader.number(bytes: 8), low: reader.number(bytes: 8))
        wallMicroseconds = reader.long()
        acceptedBeforeNanoseconds = reader.long()
        dialect = Int(reader.byte())
        keyDigest = reader.number(bytes: 8)
        bodyBytes = reader.long()
        method = reader.text()
        target = reader.text()
        chain = reader.text()
        model = reader.text()
        fields = reader.block()
        if reader.isShort { return nil }
        client = reader.text()
        caller = CallerAccount(&reader)
    }

    /// A request of these parts.
    public init(
        identifier: Identifier, wallMicroseconds: Int, acceptedBeforeNanoseconds: Int = 0,
        dialect: Int = 0, keyDigest: UInt64 = 0, bodyBytes: Int = 0, method: String = "POST",
        target: String = "/", chain: String = "", model: String = "", fields: String = "",
        client: String = "", caller: CallerAccount = CallerAccount()
    ) {
        self.identifier = identifier
        self.wallMicroseconds = wallMicroseconds
        self.acceptedBeforeNanoseconds = acceptedBeforeNanoseconds
        self.dialect = dialect
        self.keyDigest = keyDigest
        self.bodyBytes = bodyBytes
        self.method = method
        self.target = target
        self.chain = chain
        self.model = model
        self.fields = fields
        self.client = client
        self.caller = caller
    }

    /// Writes the payload.
    public func write(to writer: inout PayloadWriter) {
        Self.write(
            identifier: identifier, wallMicroseconds: wallMicroseconds,
            acceptedBeforeNanoseconds: acceptedBeforeNanoseconds, dialect: dialect,
            keyDigest: keyDigest, bodyBytes: bodyBytes, method: method, chain: chain,
            model: model, client: client, caller: caller, to: &writer,
            target: { $0.append(text: target) },
            fields: { $0.append(text: fields) })
    }

    /// Writes a payload whose target and fields lie elsewhere: they are not copied on the way.
    public static func write(
        identifier: Identifier, wallMicroseconds: Int, acceptedBeforeNanoseconds: Int,
        dialect: Int, keyDigest: UInt64, bodyBytes: Int, method: String, chain: String,
        model: String, client: String, caller: CallerAccount, to writer: inout PayloadWriter,
        target: (inout ByteBuffer) -> Void, fields: (inout ByteBuffer) -> Void
    ) {
        writer.number(identifier.high, bytes: 8)
        writer.number(identifier.low, bytes: 8)
        writer.long(wallMicroseconds)
        writer.long(acceptedBeforeNanoseconds)
        writer.byte(UInt8(clamping: dialect))
        writer.number(keyDigest, bytes: 8)
        writer.long(bodyBytes)
        writer.text(method)
        writer.shortBlock(target)
        writer.text(chain)
        writer.text(model)
        writer.block(fields)
        writer.text(client)
        caller.write(to: &writer)
    }
}
