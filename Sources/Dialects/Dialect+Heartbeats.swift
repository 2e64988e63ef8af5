import HTTP
import JSON
public import Primitives

extension Dialect {
    /// Whether a request's body asks for a stream of events.
    public static func asksForStream(_ body: Span<UInt8>) -> Bool {
        guard let range = try? JSONScanner.member("stream", of: body) else { return false }
        return body.extracting(range).matches("true")
    }

    /// Whether the calls of a path may be answered by a stream of events, with or without a chain's
    /// prefix.
    ///
    /// To all others `stream` in their body means nothing, and their answer is one piece of JSON.
    public static func mayStream(_ path: Span<UInt8>) -> Bool {
        let canonical = RequestPath.canonical(path)
        let segments = canonical.split(separator: UInt8(ascii: "/")).map {
            String(decoding: $0, as: UTF8.self)
        }
        guard let last = segments.last else { return false }
        switch last {
        case "completions", "complete", "chat", "responses", "runs", "submit_tool_outputs":
            return true
        // A message of a thread's is only kept.
        case "messages": return !segments.contains("threads")
        case "generations", "edits": return segments.dropLast().last == "images"
        default: return false
        }
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
