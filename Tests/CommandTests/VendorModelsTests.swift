import Dialects
import Primitives
import Routing
import Testing

@testable import weir

@Suite("Lists of vendors' models")
struct VendorModelsTests {
    private static func reply(_ text: String, status: Int = 200) -> Reply {
        var reply = Reply()
        reply.status = status
        reply.body = Array(text.utf8)
        return reply
    }

    /// The names in pages that come one after the other, and how they were asked for.
    private static func read(
        _ pages: [String], _ dialect: Dialect,
        now: @escaping () -> Instant = { Instant(nanoseconds: 0) }
    ) throws -> (names: [String], asked: [String]) {
        var asked: [String] = []
        let models = try ModelPages.models(dialect, until: Instant(nanoseconds: 0), now: now) {
            page in
            defer { asked.append(page) }
            return reply(pages[min(asked.count, pages.count - 1)])
        }
        return (models.map(\.name), asked)
    }

    @Test("are read in each shape, and bounded")
    func shapes() throws {
        func names(_ text: String) throws -> [String] { try Self.read([text], .openai).names }
        #expect(
            try names("{\"object\":\"list\",\"data\":[{\"id\":\"a\"},{\"id\":\"b/c\"}]}") == [
                "a", "b/c",
            ])
        #expect(
            try names("{\"data\":[{\"type\":\"model\",\"id\":\"claude\"}],\"has_more\":false}") == [
                "claude"
            ])
        #expect(try names("{\"models\":[{\"name\":\"models/gemini\"}]}") == ["gemini"])
        #expect(
            try names("{\"data\":[{\"id\":\"\"},{\"id\":\"a b\"},{\"id\":7},{},\"x\"]}") == [])
        for none in ["", "[]", "{}", "{\"data\":{}}", "<html>"] {
            #expect(throws: ModelPages.Fault.self) { try names(none) }
        }
        #expect(try names(Self.list(0..<5000)).count == 2000)
    }

    @Test("keep what people call them, where it can be read")
    func titles() throws {
        func titles(_ list: String) throws -> [String] {
            try ModelPages.models(.openai, until: Instant(nanoseconds: 0)) { _ in
                Self.reply("{\"data\":\(list)}")
            }.map { "\($0.name): \($0.title)" }
        }
        #expect(
            try titles(
                #"[{"id":"claude-x","display_name":"Claude X"},{"id":"a","display_name":7},"#
                    + #"{"name":"models/g","displayName":"Gemini"},{"id":"b","display_name":""},"#
                    + #"{"id":"c","display_name":"\u0007"}]"#)
                == ["claude-x: Claude X", "a: a", "g: Gemini", "b: b", "c: c"])
    }

    private static func list(_ numbers: Range<Int>, _ rest: String = "") -> String {
        let models = numbers.map { "{\"id\":\"m\($0)\"}" }.joined(separator: ",")
        return "{\"data\":[\(models)]\(rest)}"
    }

    @Test(
        "are read page by page where a dialect has pages",
        arguments: [
            (
                Dialect.anthropic,
                [
                    "{\"data\":[{\"id\":\"a\"}],\"has_more\":true,\"last_id\":\"a&b=c d\"}",
                    "{\"data\":[{\"id\":\"a\"},{\"id\":\"b\"}],"
                        + "\"has_more\":true,\"last_id\":\"b\"}",
                    "{\"data\":[{\"id\":\"c\"}],\"has_more\":false,\"last_id\":\"c\"}",
                ], ["a", "b", "c"], ["", "after_id=a%26b%3Dc%20d", "after_id=b"]
            ),
            (
                .gemini,
                [
                    "{\"models\":[{\"name\":\"models/a\"}],\"nextPageToken\":\"t+1\"}",
                    "{\"models\":[],\"nextPageToken\":\"t2\"}",
                    "{\"models\":[{\"name\":\"models/b\"}],\"nextPageToken\":\"\"}",
                ], ["a", "b"], ["", "pageToken=t%2B1", "pageToken=t2"]
            ),
            // Its list has no pages, whatever a server of its dialect says.
            (
                .openai, ["{\"data\":[{\"id\":\"a\"}],\"has_more\":true,\"last_id\":\"a\"}"], ["a"],
                [""]
            ),
        ])
    func pages(
        _ dialect: Dialect, _ pages: [String], _ names: [String], _ asked: [String]
    ) throws {
        let read = try Self.read(pages, dialect)
        #expect(read.names == names && read.asked == asked)
    }

    @Test("end at a bound of pages and of names, however many a vendor has")
    func bounds() throws {
        var count = 0
        func ask(_ each: Int) throws -> [ListedModel] {
            count = 0
            return try ModelPages.models(
                .anthropic, until: Instant(nanoseconds: 0), now: { Instant(nanoseconds: 0) }
            ) { _ in
                defer { count += 1 }
                let range = count * each..<(count + 1) * each
                return Self.reply(Self.list(range, ",\"has_more\":true,\"last_id\":\"\(count)\""))
            }
        }
        #expect(try ask(10).count == 200 && count == 20)
        #expect(try ask(999).count == 2000 && count == 3)
    }

    @Test(
        "count as a whole or not at all",
        arguments: [
            (
                "{\"data\":[],\"has_more\":true,\"last_id\":\"a\"}",
                "its list names the same page again"
            ),
            ("<html>", "its answer is no list"),
            ("", "its answer is no list"),
            (
                "{\"data\":[],\"has_more\":true,\"last_id\":\""
                    + String(repeating: "x", count: 3000) + "\"}",
                "the name of its next page is too long"
            ),
        ])
    func faults(_ second: String, _ fault: String) {
        let first = "{\"data\":[{\"id\":\"a\"}],\"has_more\":true,\"last_id\":\"a\"}"
        #expect(throws: ModelPages.Fault(description: fault)) {
            try Self.read([first, second], .anthropic)
        }
    }

    @Test("are given up where their pages take too long, or one is refused")
    func late() {
        let first = "{\"data\":[{\"id\":\"a\"}],\"has_more\":true,\"last_id\":\"a\"}"
        #expect(throws: ModelPages.Fault(description: "its list takes too long")) {
            try Self.read([first], .anthropic) { Instant(nanoseconds: 1) }
        }
        #expect(throws: ModelPages.Fault(description: "status 500")) {
            var count = 0
            _ = try ModelPages.models(
                .anthropic, until: Instant(nanoseconds: 0), now: { Instant(nanoseconds: 0) }
            ) { _ in
                count += 1
                return count == 1 ? Self.reply(first) : Self.reply("{}", status: 500)
            }
        }
    }
}
