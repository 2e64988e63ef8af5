import Dialects
import HTTP
import JSON
import Primitives

/// What the scripted vendor answers to one request: a body at once, or events one by one.
struct VendorAnswer {
    enum Body {
        case whole([UInt8])
        /// Events from index 0 until nil. Those in `content` are paced by the script.
        case stream(content: Range<Int>, event: (Int) -> String?)
    }

    var status = 200
    var contentType = "application/json"
    var fields: [(String, String)] = []
    var body: Body

    static func json(_ text: String) -> VendorAnswer {
        VendorAnswer(body: .whole(Array(text.utf8)))
    }

    /// The answer to a request, by its path's end.
    static func make(
        head: borrowing RequestHead, body: JSONValue?, script: VendorScript
    ) -> VendorAnswer {
        let path = head.path.text
        let dialect = API(of: head, path: head.path)?.dialect ?? .openai
        if head.isWebSocketHandshake { return socketRefusal(dialect) }
        if script.status != 200 { return failure(dialect, script) }
        if path.hasSuffix("/chat/completions") {
            return body?["stream"]?.isTrue ?? false
                ? chatStream(body, script) : chatCompletion(body, script)
        }
        if path.hasSuffix("/responses") {
            return body?["stream"]?.isTrue ?? false
                ? responsesStream(body, script) : response(body, script)
        }
        if path.hasSuffix("/v1/messages") {
            return body?["stream"]?.isTrue ?? false
                ? messageStream(body, script) : message(body, script)
        }
        if path.hasSuffix("/count_tokens") { return json("{\"input_tokens\":14}") }
        if path.hasSuffix(":streamGenerateContent") {
            return geminiStream(script, isArray: !head.pathAndQuery.text.contains("alt=sse"))
        }
        if path.hasSuffix(":generateContent") { return geminiContent(script) }
        if path.hasSuffix(":countTokens") { return json("{\"totalTokens\":14}") }
        return otherAnswer(path, body, script)
    }

    private static func otherAnswer(
        _ path: String, _ body: JSONValue?, _ script: VendorScript
    ) -> VendorAnswer {
        if path.hasSuffix("/embeddings") { return embeddings(body) }
        if path.hasSuffix("/models") { return models() }
        if path.hasSuffix("/files") { return file() }
        if path.hasSuffix("/audio/speech") { return speech(script) }
        if path.hasSuffix("/ok") { return json("{\"ok\":true}") }
        if path.hasSuffix("/bytes") { return speech(script) }
        var answer = json(
            """
            {"error":{"message":"no such path","type":"invalid_request_error","param":null,\
            "code":"not_found"}}
            """
        )
        answer.status = 404
        return answer
    }

    /// It speaks no WebSocket, and says so in the way that sends clients to HTTP.
    private static func socketRefusal(_ dialect: Dialect) -> VendorAnswer {
        var script = VendorScript("")
        script.status = 426
        var answer = failure(dialect, script)
        answer.fields.append(("upgrade", "HTTP/1.1"))
        return answer
    }

    private static func failure(_ dialect: Dialect, _ script: VendorScript) -> VendorAnswer {
        var buffer = ByteBuffer()
        dialect.errorBody(
            DialectError(
                status: script.status, code: "scripted", message: "the script asked for this",
                identifier: "req_mock"
            ),
            to: &buffer
        )
        var answer = json(buffer.bytes.text)
        answer.status = script.status
        if let after = script.retryAfter { answer.fields.append(("retry-after", after)) }
        return answer
    }

    /// The `index`th piece of content: a word, or filling of the size the script asks for.
    static func word(_ index: Int, _ script: VendorScript) -> String {
        if let size = script.size { return String(repeating: "x", count: size) }
        let words = ["The ", "stream ", "passes ", "and ", "is ", "measured", ", ", "untouched. "]
        return words[index % words.count]
    }

    /// The whole content of an answer that does not stream.
    static func content(_ script: VendorScript) -> String {
        if let size = script.size { return String(repeating: "x", count: size) }
        return (0..<script.chunks).map { word($0, script) }.joined()
    }

    static func model(_ body: JSONValue?, _ fallback: String) -> String {
        JSONText.quote(body?["model"]?.text ?? fallback)
    }
}
