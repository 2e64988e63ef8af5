public import Primitives

/// How an exchange ended, and all that its record cannot do without.
///
/// It is never dropped: a record can be made of it alone.
public struct SettlementPayload: Equatable, Sendable {
    /// The exchange's name.
    public var identifier: Identifier
    /// Wall-clock time of the frame, in microseconds since 1970.
    public var wallMicroseconds: Int
    /// The outcome's number.
    public var outcome: Int
    /// The status the client was given; 0 when it was given none.
    public var status: Int
    /// Attempts made.
    public var attempts: Int
    /// Which attempt's response the client was given, from 1; 0 for an answer of the gateway's.
    public var answered: Int
    /// From the request's end to this frame, in nanoseconds.
    public var durationNanoseconds: Int
    /// From the request's end to the vendor's head; -1 without one.
    public var headNanoseconds: Int
    /// From the request's end to the vendor's last byte; -1 without one.
    public var lastByteNanoseconds: Int
    /// Bytes of the request's body.
    public var requestBytes: Int
    /// Bytes of the response's body.
    public var responseBytes: Int
    /// Pieces of this exchange that found no room in the journal.
    public var droppedFrames: Int
    /// Whether the pieces of the request's body are all there.
    public var isRequestCaptured: Bool
    /// Whether those of the response's are.
    public var isResponseCaptured: Bool
    /// The vendor that answered, or was asked last.
    public var vendor: String
    /// The stable word of the gateway's own answer; empty without one.
    public var failureCode: String
    /// What happened, in words; empty without a failure.
    public var explanation: String
    /// The model asked for, where it became known after the request's beginning was written.
    public var model: String
    /// Who called, and what the call is charged.
    public var caller: CallerAccount

    /// A settlement of these parts.
    public init(
        identifier: Identifier, wallMicroseconds: Int, outcome: Int, status: Int = 0,
        attempts: Int = 0, answered: Int = 0, durationNanoseconds: Int = 0,
        headNanoseconds: Int = -1, lastByteNanoseconds: Int = -1, requestBytes: Int = 0,
        responseBytes: Int = 0, droppedFrames: Int = 0, isRequestCaptured: Bool = true,
        isResponseCaptured: Bool = true, vendor: String = "", failureCode: String = "",
        explanation: String = "", model: String = "", caller: CallerAccount = CallerAccount()
    ) {
        self.identifier = identifier
        self.wallMicroseconds = wallMicroseconds
        self.outcome = outcome
        self.status = status
        self.attempts = attempts
        self.answered = answered
        self.durationNanoseconds = durationNanoseconds
        self.headNanoseconds = headNanoseconds
        self.lastByteNanoseconds = lastByteNanoseconds
        self.requestBytes = requestBytes
        self.responseBytes = responseBytes
        self.droppedFrames = droppedFrames
        self.isRequestCaptured = isRequestCaptured
        self.isResponseCaptured = isResponseCaptured
        self.vendor = vendor
        self.failureCode = failureCode
        self.explanation = explanation
        self.model = model
        self.caller = caller
    }

    /// Reads a payload; nil when it is not whole.
    public init?(_ payload: Span<UInt8>) {
        var reader = PayloadReader(payload)
        identifier = Identifier(high: reader.number(bytes: 8), low: reader.number(bytes: 8))
        wallMicroseconds = reader.long()
        outcome = Int(reader.byte())
        status = reader.short()
        attempts = reader.short()
        answered = Int(reader.byte())
        durationNanoseconds = reader.long()
        headNanoseconds = reader.long()
        lastByteNanoseconds = reader.long()
        requestBytes = reader.long()
        responseBytes = reader.long()
        droppedFrames = reader.short()
        let flags = reader.byte()
        isRequestCaptured = flags & 1 != 0
        isResponseCaptured = flags & 2 != 0
        vendor = reader.text()
        failureCode = reader.text()
        explanation = reader.text()
        if reader.isShort { return nil }
        // An earlier version does not write it.
        model = reader.text()
        caller = CallerAccount(&reader)
    }

    /// Writes the payload, its texts cut to the room that is set aside for it.
    public func write(to writer: inout PayloadWriter) {
        writer.number(identifier.high, bytes: 8)
        writer.number(identifier.low, bytes: 8)
        writer.long(wallMicroseconds)
        writer.byte(UInt8(clamping: outcome))
        writer.short(status)
        writer.short(attempts)
        writer.byte(UInt8(clamping: answered))
        writer.long(durationNanoseconds)
        writer.long(headNanoseconds)
        writer.long(lastByteNanoseconds)
        writer.long(requestBytes)
        writer.long(responseBytes)
        writer.short(droppedFrames)
        writer.byte((isRequestCaptured ? 1 : 0) | (isResponseCaptured ? 2 : 0))
        writer.text(vendor, bytesMax: 128)
        writer.text(failureCode, bytesMax: 48)
        writer.text(explanation, bytesMax: 384)
        writer.text(model, bytesMax: 192)
        caller.write(to: &writer)
    }
}
