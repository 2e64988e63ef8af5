/// An answer of a vendor as it goes over the wire, and what a record must say of it.
///
/// The bodies are written for these tests, in the shapes that vendors send.
package struct AnswerSample: Sendable, CustomStringConvertible {
    package var name: String
    /// `openai`, `anthropic` or `gemini`.
    package var dialect: String
    package var isStream: Bool
    package var body: [UInt8]

    package var model = "m-1"
    package var finishReason = "stop"
    package var errorKind = ""
    /// Whether the answer says itself that it is whole.
    package var isWhole = true
    package var input: Int?
    package var output: Int?
    package var cacheRead: Int?
    package var cacheWrite: Int?
    package var cacheWriteLong: Int?
    package var reasoning: Int?
    package var audioInput: Int?
    package var audioOutput: Int?
    package var imageInput: Int?
    package var imageOutput: Int?
    /// The tier of service.
    package var tier = "standard"
    /// What the vendor says that it cost, in billionths of a dollar.
    package var nanodollars: Int?

    package var description: String { name }

    init(
        _ name: String, _ dialect: String, isStream: Bool, _ body: String,
        _ expect: (inout AnswerSample) -> Void
    ) {
        self.name = name
        self.dialect = dialect
        self.isStream = isStream
        self.body = Array(body.utf8)
        expect(&self)
    }

    /// Events of one `data` line each, as OpenAI and those who follow it send them.
    static func events(_ data: [String], end: String = "data: [DONE]\n\n") -> String {
        data.map { "data: \($0)\n\n" }.joined() + end
    }

    /// Events with a name that is their data's type.
    static func named(_ events: [(name: String, data: String)]) -> String {
        events.map { "event: \($0.name)\ndata: \($0.data)\n\n" }.joined()
    }

    /// All of them.
    package static let all = chats + responses + plain + messages + contents + accounts

    static func tokens(_ input: Int, _ output: Int) -> (inout AnswerSample) -> Void {
        { sample in
            sample.input = input
            sample.output = output
        }
    }
}
