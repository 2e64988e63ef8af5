import Primitives
import Support
import Testing

@testable import Dialects
@testable import HTTP

@Suite("The end of a stream")
struct StreamEndingTests {
    static let streams = AnswerSample.all.filter(\.isStream)

    private static func ends(_ sample: AnswerSample) throws -> Bool {
        let dialect = try #require(Dialect(rawValue: sample.dialect))
        var splitter = EventSplitter(bytesMax: 1 << 20)
        var hasEnded = false
        splitter.take(sample.body.span) { if dialect.endsStream($0) { hasEnded = true } }
        splitter.end { if dialect.endsStream($0) { hasEnded = true } }
        splitter.withBareText { if dialect.endsStream($0) { hasEnded = true } }
        return hasEnded
    }

    @Test("is what a record takes for one, or an error", arguments: streams)
    func samples(_ sample: AnswerSample) throws {
        #expect(try Self.ends(sample) == (sample.isWhole || !sample.errorKind.isEmpty))
    }

    @Test("is due where the marker is known, whatever prefix and query a path has")
    func targets() {
        let due: [(Dialect, String)] = [
            (.openai, "/v1/chat/completions"), (.openai, "/team-a/v1/chat/completions?x=/y"),
            (.openai, "/v1/completions"), (.openai, "/v1/responses"),
            (.openai, "/v1/responses/resp_1?stream=true"), (.anthropic, "/v1/messages?beta=true"),
            (.gemini, "/v1beta/models/m:streamGenerateContent?alt=sse"),
        ]
        let free: [(Dialect, String)] = [
            (.openai, "/v1/audio/speech"), (.openai, "/v1/images/generations"), (.openai, ""),
            (.openai, "/v1/threads/t/runs?next=/v1/responses/"), (.anthropic, "/v1/files"),
            (.anthropic, "/v1/files?like=/v1/messages"), (.gemini, "/v1beta/interactions"),
        ]
        for (dialect, target) in due {
            let isDue = dialect.marksStreamEnds(target: target.utf8.span)
            #expect(isDue, "\(target)")
        }
        for (dialect, target) in free {
            let isDue = dialect.marksStreamEnds(target: target.utf8.span)
            #expect(!isDue, "\(target)")
        }
    }
}
