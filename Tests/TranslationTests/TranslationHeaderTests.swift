import Testing

@testable import Translation

@Suite("What is said of a translation")
struct TranslationHeaderTests {
    @Test("the header has both kinds of losses apart, and no more than fits")
    func header() {
        let losses = [
            Loss(kind: .dropped, path: "top_k", isHarmless: false),
            Loss(kind: .dropped, path: "system[0].cache_control", isHarmless: true),
            Loss(kind: .changed, path: "a,b;c\r\nd", isHarmless: false),
        ]
        let value = TranslationHeader.value(from: .messages, to: .chat, losses: losses)
        #expect(
            value == "messages>chat; lost=-top_k,~a?b?c??d; harmless=-system[0].cache_control")
        #expect(
            TranslationHeader.value(from: .chat, to: .gemini, losses: []) == "chat>gemini")
        let many = (0..<999).map { index in
            Loss(kind: .dropped, path: "messages[\(index)].name", isHarmless: false)
        }
        let long = TranslationHeader.value(from: .chat, to: .gemini, losses: many)
        #expect(long.utf8.count < 1100 && long.hasSuffix("more"))
    }

    @Test("a request goes to the path of its form")
    func paths() {
        #expect(OutboundForm(.chat, model: "m", isStreamed: true).path == "/v1/chat/completions")
        #expect(OutboundForm(.responses, model: "m", isStreamed: true).path == "/v1/responses")
        let messages = OutboundForm(.messages, model: "m", isStreamed: false)
        #expect(messages.path == "/v1/messages")
        #expect(messages.headers.contains { $0.name == "anthropic-version" })
        #expect(
            OutboundForm(.gemini, model: "a/b?c\u{1}", isStreamed: true).path
                == "/v1beta/models/a%2Fb%3Fc%01:streamGenerateContent?alt=sse")
        #expect(
            OutboundForm(.gemini, model: "gemini-3-pro", isStreamed: false).path
                == "/v1beta/models/gemini-3-pro:generateContent")
    }

    @Test("quirks are found by the model's pattern, the later row last")
    func quirks() {
        #expect(QuirkTable.quirks(of: "claude-opus-5", .messages).middleSystem == .keep)
        #expect(QuirkTable.quirks(of: "claude-sonnet-4-5", .messages).outputMax == 64_000)
        #expect(QuirkTable.quirks(of: "claude-unknown", .messages).outputMax == 128_000)
        #expect(QuirkTable.quirks(of: "gemini-2.5-pro", .gemini).geminiGeneration == 2)
        #expect(QuirkTable.quirks(of: "o1-mini", .chat).systemRole == "system")
        #expect(QuirkTable.quirks(of: "x", .chat) == Quirks())
        for (pattern, name, isMatch) in [
            ("a*c", "abc", true), ("a*c", "ac", true), ("a*c", "ab", false), ("a", "a", true),
            ("a", "ab", false), ("*", "", true), ("a*b*c", "axbyc", true), ("a*a", "a", false),
        ] { #expect(QuirkTable.matches(pattern, name) == isMatch, "\(pattern) \(name)") }
        for row in QuirkTable.shipped { #expect(row.date.count == 10, "\(row.models)") }
    }

    @Test("texts lose the white space at their end, whatever spells it")
    func trimming() {
        for (text, trimmed) in [
            ("a ", "a"), ("a\\n\\t ", "a"), ("a\\\\n", "a\\\\n"), ("\\r", ""), ("", ""),
            ("a\\\\\\n", "a\\\\"),
        ] {
            let escaped = EscapedText(inner: Array(text.utf8)[...])
            #expect(String(decoding: escaped.trimmedAtEnd.inner, as: UTF8.self) == trimmed)
        }
    }
}
