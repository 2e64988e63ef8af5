import JSON
import Testing
import Translation

@Suite("What is no answer of a dialect")
struct NoAnswerTests {
    private static let forms: [Form] = [.chat, .responses, .messages, .gemini]

    @Test(
        "is a failure in every other dialect, and never an answer that is empty and whole",
        arguments: forms,
        [#"{}"#, #"{"answer":"of no dialect"}"#, "[]", #"{"id":"x","model":"m"}"#])
    func failure(_ source: Form, _ body: String) throws {
        for target in Self.forms where target != source {
            let value = try RawJSON(parsing: Array(body.utf8))
            let answer = AnswerTranslation(value, AnswerContext(from: source, to: target))
            #expect(answer.status >= 400, "\(source) to \(target): \(answer.status)")
        }
    }
}
