/// What a journal holds of an attempt that begins.
public struct AttemptPayload: Equatable, Sendable {
    /// The vendor's name.
    public var vendor: String
    /// The model asked for there, where it is another than the client's; else empty.
    public var model: String
    /// Whether it repeats the attempt before it because a pooled connection was dead.
    public var isFresh: Bool

    /// An attempt of these parts.
    public init(vendor: String, model: String = "", isFresh: Bool = false) {
        self.vendor = vendor
        self.model = model
        self.isFresh = isFresh
    }

    /// Reads a payload; nil when it is not whole.
    public init?(_ payload: Span<UInt8>) {
        var reader = PayloadReader(payload)
        vendor = reader.text()
        model = reader.text()
        isFresh = reader.byte() != 0
        if reader.isShort { return nil }
    }

    /// Writes the payload.
    public func write(to writer: inout PayloadWriter) {
        writer.text(vendor)
        writer.text(model)
        writer.byte(isFresh ? 1 : 0)
    }
}

/// What a journal holds of a failed attempt.
public struct FailurePayload: Equatable, Sendable {
    /// The class of failure, by its name.
    public var name: String
    /// libcurl's result; 0 when it was not libcurl that failed.
    public var curlCode: Int
    /// The vendor's status; 0 without one.
    public var status: Int
    /// Whether the request had been sent, so that the vendor may have acted on it.
    public var wasSent: Bool
    /// What happened, in words.
    public var reason: String

    /// A failure of these parts.
    public init(name: String, curlCode: Int, status: Int, wasSent: Bool, reason: String) {
        self.name = name
        self.curlCode = curlCode
        self.status = status
        self.wasSent = wasSent
        self.reason = reason
    }

    /// Reads a payload; nil when it is not whole.
    public init?(_ payload: Span<UInt8>) {
        var reader = PayloadReader(payload)
        name = reader.text()
        curlCode = reader.short()
        status = reader.short()
        wasSent = reader.byte() != 0
        reason = reader.text()
        if reader.isShort { return nil }
    }

    /// Writes the payload.
    public func write(to writer: inout PayloadWriter) {
        writer.text(name)
        writer.short(curlCode)
        writer.short(status)
        writer.byte(wasSent ? 1 : 0)
        writer.text(reason, bytesMax: 1024)
    }
}
