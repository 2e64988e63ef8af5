public import JSON
public import Primitives

/// Bedrock's stream of a Messages answer as the events that Anthropic itself sends.
///
/// Each event of Anthropic's stands in base64 in a message of Amazon's. A failure is a message of
/// another kind: it becomes Anthropic's error event, and nothing follows it.
public struct BedrockStream: ~Copyable {
    private var reader: AmazonEventReader
    private var events: [AmazonEvent] = []
    private var isOver = false
    /// What ended the stream before its end; nil where nothing did.
    public private(set) var failure: String?

    /// A stream whose messages have at most so many bytes.
    public init(messageBytesMax: Int = 16 << 20) {
        reader = AmazonEventReader(bytesMax: messageBytesMax)
    }

    /// Takes a piece of the stream, and appends server-sent events.
    public mutating func take(_ bytes: Span<UInt8>, into output: inout ByteBuffer) {
        guard !isOver else { return }
        var found: [AmazonEvent] = []
        reader.take(bytes) { found.append($0) }
        for event in found where !isOver { take(event, into: &output) }
        if let fault = reader.fault { fail("api_error", fault.rawValue, into: &output) }
    }

    /// Takes the end of the stream.
    public mutating func end(into output: inout ByteBuffer) {
        reader.end()
        if let fault = reader.fault { fail("api_error", fault.rawValue, into: &output) }
    }

    private mutating func take(_ event: AmazonEvent, into output: inout ByteBuffer) {
        switch event[":message-type"] {
        case "event":
            if event[":event-type"] == "chunk" {
                takeChunk(event.payload, into: &output)
            } else if let name = event[":event-type"], Self.isException(name) {
                takeException(name, event.payload, into: &output)
            }
        // What a vendor adds one day is passed over; what says that it failed never is.
        case "exception":
            takeException(event[":exception-type"] ?? "", event.payload, into: &output)
        case "error":
            let code = event[":error-code"] ?? ""
            let text = event[":error-message"] ?? ""
            fail(Self.type(code), text.isEmpty ? code : text, into: &output)
        default: fail("api_error", "a message is of no known kind", into: &output)
        }
    }

    private mutating func takeChunk(_ payload: [UInt8], into output: inout ByteBuffer) {
        do throws(JSONScanner.Malformed) {
            let value = try RawJSON(parsing: payload)
            guard let text = value["bytes"]?.text, let data = Base64.decode(text.unescaped) else {
                // A failure may stand in a message of the usual kind.
                if let name = value.members.first?.name, Self.isException(name) {
                    let message = value[name]?.bytes ?? []
                    return takeException(name, Array(message), into: &output)
                }
                return fail("api_error", "a chunk has no bytes", into: &output)
            }
            let event = try RawJSON(parsing: data)
            Self.append(event, to: &output)
        } catch {
            fail("api_error", "a chunk is no JSON", into: &output)
        }
    }

    private static func append(_ event: RawJSON, to output: inout ByteBuffer) {
        // Without the name some clients read nothing.
        output.append("event: ")
        output.append(text: event["type"]?.plain ?? "")
        output.append("\ndata: ")
        output.append(event.compact.span)
        output.append("\n\n")
    }

    private mutating func takeException(
        _ name: String, _ payload: [UInt8], into output: inout ByteBuffer
    ) {
        var text = name
        do throws(JSONScanner.Malformed) {
            let value = try RawJSON(parsing: payload)
            text = (value["message"] ?? value["Message"])?.plain ?? name
        } catch {
            // Its name says what happened.
        }
        fail(Self.type(name), text, into: &output)
    }

    private mutating func fail(
        _ type: StaticString, _ message: String, into output: inout ByteBuffer
    ) {
        guard !isOver else { return }
        isOver = true
        failure = message
        var json = JSONWriter()
        json.beginObject()
        json.member("type", literal: "error")
        json.key("error")
        json.beginObject()
        json.member("type", literal: type)
        json.member("message", message)
        json.endObject()
        json.endObject()
        EventFrame(form: .messages).append("error", json, to: &output)
    }

    private static func isException(_ name: String) -> Bool {
        name.lowercased().hasSuffix("exception")
    }

    /// Anthropic's word for a failure of Amazon's.
    private static func type(_ name: String) -> StaticString {
        switch name.lowercased().split(separator: "exception").first ?? "" {
        case "throttling", "modelnotready": "rate_limit_error"
        case "serviceunavailable": "overloaded_error"
        case "modeltimeout": "timeout_error"
        case "validation": "invalid_request_error"
        case "accessdenied": "permission_error"
        default: "api_error"
        }
    }
}

extension BedrockStream {
    /// Appends what Bedrock's clients get for the data of one event of Anthropic's: a chunk, or
    /// for an error an exception.
    public static func write(event data: [UInt8], to output: inout ByteBuffer)
        throws(JSONScanner.Malformed)
    {
        let event = try RawJSON(parsing: data)
        var json = JSONWriter()
        json.beginObject()
        guard event["type"]?.plain == "error" else {
            json.member("bytes", EscapedText(bytes: Base64.encode(event.compact)[...]))
            json.endObject()
            return message("event", ":event-type", "chunk", json.bytes).write(to: &output)
        }
        json.member("message", event["error"]?["message"]?.text ?? .empty)
        json.endObject()
        let name = exception(event["error"]?["type"]?.plain ?? "")
        message("exception", ":exception-type", name, json.bytes).write(to: &output)
    }

    private static func message(
        _ kind: String, _ typeField: String, _ type: String, _ payload: [UInt8]
    ) -> AmazonEvent {
        AmazonEvent(
            fields: [
                (typeField, type), (":content-type", "application/json"), (":message-type", kind),
            ], payload: payload)
    }

    /// Amazon's word for a failure of Anthropic's.
    private static func exception(_ type: String) -> String {
        switch type {
        case "rate_limit_error": "throttlingException"
        case "overloaded_error": "serviceUnavailableException"
        case "timeout_error": "modelTimeoutException"
        case "invalid_request_error", "request_too_large": "validationException"
        case "permission_error", "authentication_error": "accessDeniedException"
        default: "modelStreamErrorException"
        }
    }
}
