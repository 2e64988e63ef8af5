import HTTP
import Primitives
import Testing

@testable import Translation

/// Whatever comes in, what goes out is JSON, or the body is refused.
@Suite("Hostile bodies")
struct HostileBodyTests {
    /// A generator that gives the same numbers in every run.
    struct Numbers: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ state >> 33
        }
    }

    private static let strange = [
        "null", "true", "0", "-1e9", "\"\"", "\"weir1:\"", "\"weir1:AAAA\"", "\"d2VpcjE6AAAA\"",
        "[]", "{}", "[[]]", "[null]", "{\"type\":null}", "{\"type\":\"x\"}", "\"\\ud800\"",
        "\"data:;base64,\"", "\"data:image/png;base64,\"", "99999999999999999999",
    ]

    /// A body with one of its values replaced by something else.
    private static func changed(_ body: RawJSON, _ numbers: inout Numbers) -> [UInt8] {
        let values = nested(body)
        guard let victim = values.randomElement(using: &numbers),
            let other = strange.randomElement(using: &numbers)
        else { return Array(body.bytes) }
        let range = victim.bytes.startIndex..<victim.bytes.endIndex
        return Array(
            body.bytes[body.bytes.startIndex..<range.lowerBound] + Array(other.utf8)
                + body.bytes[range.upperBound...])
    }

    private static func nested(_ value: RawJSON) -> [RawJSON] {
        [value] + value.members.flatMap { nested($0.value) } + value.elements.flatMap(nested)
    }

    @Test("of requests and answers", arguments: CaseTests.all)
    func bodies(_ test: CaseTests.Case) throws {
        let one = try TranslationCase(test.line)
        var numbers = Numbers(state: UInt64(test.line.utf8.count))
        let body = try RawJSON(parsing: Array(one.input.bytes))
        for _ in 0..<40 {
            let value = try RawJSON(parsing: Self.changed(body, &numbers))
            for target in Form.allCases {
                let context = AnswerContext(from: one.source, to: target)
                let answer = AnswerTranslation(value, context)
                _ = try RawJSON(parsing: answer.body)
                var quirks = Quirks()
                quirks.schemaWords = .openapi
                quirks.middleSystem = .fold
                do throws(Refusal) {
                    let request = try RequestTranslation(
                        value, from: one.source, to: target, quirks: quirks)
                    #expect(throws: Never.self) { try RawJSON(parsing: request.body) }
                } catch {
                    #expect(error.status == 400)
                }
            }
        }
    }

    @Test("of streams", arguments: StreamPairTests.pairs)
    func streams(_ pair: StreamPairTests.Pair) throws {
        var numbers = Numbers(state: 7)
        for script in StreamScript.all {
            let events = script.events(pair.source)
            for _ in 0..<20 {
                var changed = events
                let index = Int.random(in: events.indices, using: &numbers)
                if let body = try? RawJSON(parsing: Array(events[index].utf8)) {
                    changed[index] = String(
                        decoding: Self.changed(body, &numbers), as: UTF8.self)
                } else {
                    changed[index] = "{"
                }
                changed.swapAt(index, Int.random(in: events.indices, using: &numbers))
                let (output, _) = StreamPairTests.translate(changed, pair)
                var splitter = EventSplitter(bytesMax: 1 << 20)
                var data: [[UInt8]] = []
                splitter.take(output.span) { event in
                    if event.hasData { data.append(Array(event.data.bytes)) }
                }
                for event in data where !event.span.matches("[DONE]") {
                    #expect(throws: Never.self) { try RawJSON(parsing: event) }
                }
            }
        }
    }
}
