import HTTP
import JSON
public import Primitives

extension Dialect {
    /// Whether a request's body asks for a stream of events.
    public static func asksForStream(_ body: Span<UInt8>) -> Bool {
        guard let range = try? JSONScanner.member("stream", of: body) else { return false }
        return body.extracting(range).matches("true")
    }

    /// Appends what the clients of this dialect bear between two events, and take for a sign of
    /// life alone.
    ///
    /// Anthropic's own API sends pings. Others know comments, which their SDKs pass over.
    public func heartbeat(to output: inout ByteBuffer) {
        switch self {
        case .anthropic: output.append("event: ping\ndata: {\"type\": \"ping\"}\n\n")
        case .openai: output.append(": keep-alive\n\n")
        case .gemini: break
        }
    }
}
