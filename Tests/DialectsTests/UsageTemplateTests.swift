import JSON
import Primitives
import Testing

@testable import Dialects

/// Answers are read with what earlier ones left, and without: nothing may differ.
@Suite("Usage objects that are like earlier ones")
struct UsageTemplateTests {
    private static func facts(
        _ dialect: Dialect, _ body: String, isStream: Bool = false,
        _ templates: UsageTemplates = UsageTemplates()
    ) -> AnswerFacts {
        var observer = AnswerObserver(
            dialect: dialect, isEventStream: isStream, templates: templates)
        observer.take(body.utf8.span, at: Instant(nanoseconds: 1))
        observer.end(at: Instant(nanoseconds: 2))
        return observer.facts
    }

    private static func answer(_ usage: String) -> String {
        #"{"model":"m","choices":[{"finish_reason":"stop"}],"usage":\#(usage)}"#
    }

    private static let objects = [
        #"{"prompt_tokens":12,"completion_tokens":3,"total_tokens":15}"#,
        #"{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}"#,
        #"{"prompt_tokens":7,"completion_tokens":999999999999999,"total_tokens":1}"#,
        #"{"prompt_tokens":7,"completion_tokens":1000000000000000,"total_tokens":1}"#,
        #"{"prompt_tokens":7,"completion_tokens":1099511627776,"total_tokens":1}"#,
        #"{"prompt_tokens":7,"completion_tokens":1099511627777,"total_tokens":1}"#,
        #"{"prompt_tokens":7,"completion_tokens":-1,"total_tokens":1}"#,
        #"{"prompt_tokens":7,"completion_tokens":2.5,"total_tokens":1}"#,
        #"{"prompt_tokens":7,"completion_tokens":2e3,"total_tokens":1}"#,
        #"{"prompt_tokens":7,"completion_tokens":2E3,"total_tokens":1}"#,
        #"{"prompt_tokens":7,"completion_tokens":null,"total_tokens":1}"#,
        #"{"prompt_tokens":7,"completion_tokens":"2","total_tokens":1}"#,
        #"{"prompt_tokens":7,"completion_tokens":2,"total_tokens":1,"cost":0.5}"#,
        #"{"prompt_tokens":7,"completion_tokens":2,"total_tokens":1,"cost":1}"#,
        #"{"prompt_tokens":7,"completion_tokens":2,"total_tokens":1,"cost":2}"#,
        #"{"prompt_tokens":7,"completion_tokens":2,"completion_tokens":3}"#,
        #"{"prompt_tokens":8,"completion_tokens":4,"completion_tokens":0}"#,
        #"{"prompt_tokens":7,"completion_tokens":2,"service_tier":"flex"}"#,
        #"{"prompt_tokens":9,"completion_tokens":5,"service_tier":"flex"}"#,
        #"{"prompt_tokens":9,"completion_tokens":5,"service_tier":{"a":1}}"#,
        #"{"prompt_tokens":9,"completion_tokens":5,"speed":"fast"}"#,
        #"{"prompt_tokens":3,"completion_tokens":1,"speed":"fast"}"#,
        #"{"prompt_tokens":9,"completion_tokens":5,"says":"a text of 2 words, and more"}"#,
        #"{"prompt_tokens":8,"completion_tokens":6,"says":"a text of 2 words, and more"}"#,
        #"{"prompt_tokens":8,"completion_tokens":6,"says":"a text of 3 words, and more"}"#,
        #"{"prompt_tokens":9,"completion_tokens":5,"input_tokens_details":{"cached_tokens":4}}"#,
        #"{"prompt_tokens":1,"completion_tokens":2,"input_tokens_details":{"cached_tokens":0}}"#,
        "{ \"prompt_tokens\" : 9,\n  \"completion_tokens\" : 5 }",
        "{ \"prompt_tokens\" : 11,\n  \"completion_tokens\" : 55 }",
        #"{"prompt_tokens":9,"completion\u005ftokens":5}"#,
        #"{"prompt_tokens":10,"completion\u005ftokens":6}"#,
        #"{"cache_creation":{"ephemeral_5m_input_tokens":4,"ephemeral_1h_input_tokens":5}}"#,
        #"{"cache_creation":{"ephemeral_5m_input_tokens":40,"ephemeral_1h_input_tokens":50}}"#,
        #"{"promptTokensDetails":[{"modality":"TEXT","tokenCount":4}],"promptTokenCount":4}"#,
        #"{"promptTokensDetails":[{"modality":"TEXT","tokenCount":5}],"promptTokenCount":6}"#,
        #"{"promptTokensDetails":[{"modality":"TEXT","tokenCount":5,"tokens":7}]}"#,
        #"{"promptTokensDetails":[{"modality":"TEXT","tokenCount":6,"tokens":8}]}"#,
        #"{"list":[1,2,3],"prompt_tokens":4}"#, #"{"list":[1,2,4],"prompt_tokens":5}"#,
        #"{"iterations":[{"type":"message","output_tokens":4}],"output_tokens":2}"#,
        #"{"iterations":[{"type":"message","output_tokens":5}],"output_tokens":3}"#,
        #"{"total_tokens":5}"#, #"{"total_tokens":6}"#, #"{}"#, #"{"a":true}"#,
        #"{"prompt_tokens":012,"completion_tokens":3,"total_tokens":15}"#,
    ]

    private static let shapes: [@Sendable (String) -> String] = [
        { answer($0) },
        { #"{"object":"list","usage":\#($0)}"# },
        { #"{"type":"message","model":"m","usage":\#($0)}"# },
        { #"{"type":"message_delta","usage":\#($0)}"# },
        { #"{"modelVersion":"m","usageMetadata":\#($0)}"# },
        { #"{"usage":\#($0),"x_groq":{"usage":\#(objects[0])},"choices":[]}"# },
        { #"{"x_groq":{"usage":\#(objects[1])},"usage":\#($0),"choices":[]}"# },
        { #"{"response":{"usage":\#($0),"status":"completed"},"type":"response.done"}"# },
    ]

    @Test("each behind each other one says what it says alone", arguments: Dialect.allCases)
    func pairs(_ dialect: Dialect) {
        for shape in Self.shapes {
            for usage in Self.objects {
                let alone = Self.facts(dialect, shape(usage))
                for earlier in Self.objects {
                    let first = Self.facts(dialect, shape(earlier))
                    let facts = Self.facts(dialect, shape(usage), first.usageTemplates)
                    #expect(facts == alone, "\(shape(usage)) behind \(earlier)")
                    let (one, other) = (facts.usageFields, alone.usageFields)
                    #expect(one.usage(of: dialect) == other.usage(of: dialect))
                }
            }
        }
    }

    @Test("streams that say it several times say what they say alone")
    func streams() {
        for usage in Self.objects {
            for earlier in Self.objects {
                let body = "data: \(Self.answer(earlier))\n\ndata: \(Self.answer(usage))\n\n"
                let alone = Self.facts(.openai, body, isStream: true)
                var templates = UsageTemplates()
                for other in [usage, earlier, usage] {
                    templates =
                        Self.facts(.openai, Self.answer(other), templates).usageTemplates
                }
                #expect(Self.facts(.openai, body, isStream: true, templates) == alone)
            }
        }
    }

    @Test("objects that differ in their numbers alone have one template, odd ones none")
    func templates() throws {
        func template(_ usage: String) -> UsageTemplate? {
            var outline = JSONOutline()
            guard outline.read(usage.utf8.span) else { return nil }
            var fields = UsageFields()
            let account = UsageAccount(JSONOutline.root)
            _ = fields.merge(outline, account, model: "")
            var kept = ByteBuffer()
            account.write(outline, to: &kept)
            return UsageTemplate(
                usage.utf8.span, fields, kept: kept.bytes, isAll: account.isAll(outline))
        }
        let made = try #require(template(Self.objects[0]))
        var fields = UsageFields()
        let other = #"{"prompt_tokens":1,"completion_tokens":23456,"total_tokens":23457}"#
        #expect(made.read(other.utf8.span, into: &fields) == other)
        #expect(fields["completion_tokens"] == 23456 && fields.count == 3)
        #expect(made.count(in: (other + "}").utf8.span) == other.utf8.count)
        for wrong in [
            "", "{", String(other.dropLast()), other + " ", other + "}",
            other.replacing(":1,", with: ":,"), other.replacing("prompt", with: "Prompt"),
            other.replacing("23457", with: "1000000000000000"),
            other.replacing("23457", with: "023457"),
        ] {
            var none = UsageFields()
            #expect(made.read(wrong.utf8.span, into: &none) == nil && none.isEmpty)
        }
        for (usage, isAll) in [
            (Self.objects[0], true), (Self.objects[17], false), (Self.objects[20], false),
            (Self.objects[22], false), (Self.objects[27], true), (#"{"total_tokens":5}"#, false),
        ] { #expect(template(usage)?.isAll == isAll, "\(usage)") }
        for odd in [
            Self.objects[6], Self.objects[7], Self.objects[8], #"{"a":1,"a":2}"#, #"{"a":"b"}"#,
            #"{"list":[1],"a":2}"#, #"{"\u0061":1}"#,
        ] { #expect(template(odd) == nil, "\(odd)") }
    }
}

// Tests have no memory to hand on.
extension AnswerObserver {
    mutating func take(_ bytes: Span<UInt8>, at time: Instant) {
        var outline = JSONOutline()
        take(bytes, at: time, in: &outline)
    }

    mutating func end(at time: Instant) {
        var outline = JSONOutline()
        end(at: time, in: &outline)
    }
}
