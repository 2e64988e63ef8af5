import JSON
import Testing

@testable import Translation

/// A body that is read and written in one form keeps every member.
@Suite("Round trips of requests")
struct RoundTripTests {
    @Test("of one form keep each member of the census", arguments: Census.rows)
    func members(_ row: Census.Row) throws {
        guard row.path != "not_known", row.path != "notKnown" else { return }
        let body = try Census.body(row.source, row.members)
        let back = try RequestTranslation(body, from: row.source, to: row.source)
        let output = try RawJSON(parsing: back.body)
        // An alias, a number's default or a name that the dialect itself replaced comes back as
        // what stands for it.
        let replaced: Set = [
            "max_tokens", "reasoning.generate_summary", "include", "stream_options", "seed",
            "thinking.type", "thinking.block_binding",
        ]
        guard !replaced.contains(row.path), !row.members.contains("generation_config"),
            !row.members.contains("null"), let value = body.value(at: row.path)
        else { return }
        if value.kind != .object && value.kind != .array {
            let found = output.value(at: row.path)
            #expect(found?.spelling == value.spelling || !back.losses.isEmpty)
        } else {
            #expect(output.value(at: row.path) != nil || !back.losses.isEmpty)
        }
    }

    @Test("of one form say the same when they are made twice", arguments: CaseTests.all)
    func twice(_ test: CaseTests.Case) throws {
        guard test.value["what"]?.text == "req" else { return }
        let one = try TranslationCase(test.line)
        guard let first = try? RequestTranslation(one.input, from: one.source, to: one.source)
        else { return }
        let again = try RequestTranslation(
            try RawJSON(parsing: first.body), from: one.source, to: one.source)
        #expect(first.body == again.body)
    }

    @Test("to another form are the same every time, and begin alike", arguments: CaseTests.all)
    func determinism(_ test: CaseTests.Case) throws {
        let one = try TranslationCase(test.line)
        #expect(one.run() == one.run())
    }
}
