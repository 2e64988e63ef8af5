import Config
import Dialects
import HTTP
import Primitives
import Testing

@testable import Routing

@Suite("Globs")
struct GlobTests {
    @Test("match whole texts")
    func matching() {
        let cases: [(String, String, Bool)] = [
            ("*", "", true), ("*", "/a/b", true), ("/*", "/a/b", true), ("/*", "a", false),
            ("/v1/chat/*", "/v1/chat/completions", true), ("/v1/chat/*", "/v1/chatter", false),
            ("gpt-4*", "gpt-4o", true), ("gpt-4*", "my-gpt-4o", false),
            ("*-mini", "gpt-4o-mini", true),
            ("*-mini", "gpt-4o-minis", false), ("g?t", "gpt", true), ("g?t", "gt", false),
            ("", "", true), ("", "a", false), ("a*b*c", "a-b-b-c", true), ("a*b*c", "a-c-b", false),
            ("**", "x", true), ("gpt", "gpt", true), ("GPT", "gpt", false),
        ]
        for (pattern, text, matches) in cases {
            #expect(
                Glob(pattern).matches(Array(text.utf8).span) == matches, "\(pattern) on \(text)")
        }
    }

    @Test("take no exponential time")
    func complexity() {
        let glob = Glob(String(repeating: "a*", count: 50) + "b")
        #expect(glob.matches(Array(String(repeating: "a", count: 5000).utf8).span) == false)
    }
}

@Suite("Routing")
struct RoutingTests {
    private static let file = """
        [vendors.local]
        dialect = "openai"
        base_url = "http://127.0.0.1:1/v1"
        [[chains]]
        name = "team"
        prefix = "/team-a"
        targets = [{ vendor = "local" }]
        [chains.clocks]
        connect = "1s"
        [[chains]]
        name = "small"
        models = ["*-mini", "gemini-*"]
        paths = ["/v1/*"]
        targets = [{ vendor = "local" }]
        [[chains]]
        name = "claude"
        paths = ["/v1/messages*"]
        models = ["claude-3*"]
        targets = [{ vendor = "openai" }]
        """

    private static let table: RoutingTable? = {
        let secrets = SecretSource(environment: { _ in nil }, file: { _ in nil })
        let read = try? Configuration.read(file, file: "test.toml", secrets: secrets)
        return read.map { RoutingTable($0.configuration) }
    }()

    private static func route(
        _ path: String, _ body: String = "", _ fields: String = ""
    ) throws -> (chain: String, vendor: String, prefix: Int, connect: Interval) {
        let table = try #require(table)
        let parser = RequestParser()
        let bytes = Array("POST \(path) HTTP/1.1\r\nHost: localhost\r\n\(fields)\r\n".utf8)
        _ = parser.parse(bytes.span)
        let body = Array(body.utf8)
        let route = try parser.withHead { head throws(RoutingTable.Refusal) in
            try table.route(head) {
                RequestModel(body.span, contentType: head.value(of: .contentType)).finding
            }
        }
        return (
            route.plan.chain, table.vendors[route.vendor].name, route.prefixLength,
            route.clocks.connect
        )
    }

    @Test("without a matching chain: the first vendor of the file that speaks the dialect")
    func dialects() throws {
        #expect(try Self.route("/v1/responses", "{\"model\":\"gpt-4o\"}").vendor == "local")
        #expect(try Self.route("/v1/messages", "{\"model\":\"claude-4\"}").vendor == "anthropic")
        #expect(try Self.route("/v1beta/models/m:generateContent").vendor == "gemini")
        #expect(try Self.route("/v1/models").chain == "")
        #expect(try Self.route("/v1/models").connect == .seconds(10))
    }

    @Test("by prefix strips it, and matches whole segments only")
    func prefixes() throws {
        let team = try Self.route("/team-a/v1/chat/completions")
        #expect(team.chain == "team")
        #expect(team.prefix == "/team-a".utf8.count)
        #expect(team.connect == .seconds(1))
        #expect(throws: RoutingTable.Refusal.noAPI) {
            try Self.route("/team-ab/v1/chat/completions")
        }
        #expect(throws: RoutingTable.Refusal.noAPI) { try Self.route("/team-a") }
    }

    @Test("by model reads the body, or Gemini's path")
    func models() throws {
        #expect(
            try Self.route("/v1/chat/completions", "{\"model\":\"gpt-4o-mini\"}").chain == "small")
        #expect(
            try Self.route("/v1/x", "{\"model\":\"gpt-\\u0034o-mini\",\"m\":[]}").chain == "small"
        )
        #expect(try Self.route("/v1/chat/completions", "{\"model\":\"gpt-4o\"}").chain == "")
        #expect(
            throws: RoutingTable.Refusal.modelUnreadable(
                chain: "small", "the model is no text")
        ) { try Self.route("/v1/chat/completions", "{\"model\":4}") }
        #expect(try Self.route("/v1/chat/completions", "not json -mini").chain == "")
        #expect(try Self.route("/v1/chat/completions", "").chain == "")
        #expect(throws: RoutingTable.Refusal.self) {
            try Self.route("/v1/models/gemini-2.5-flash:generateContent")
        }
    }

    @Test("to a vendor of another dialect is refused, and says which")
    func otherDialect() {
        #expect(
            throws: RoutingTable.Refusal.noTarget(
                chain: "claude", .anthropic,
                [
                    Plan.Skipped(
                        vendor: "openai",
                        reason: "it speaks openai, and it has no credential of its own, and the "
                            + "caller's is another dialect's"
                    )
                ]
            )
        ) { try Self.route("/v1/messages", "{\"model\":\"claude-3-opus\"}") }
    }
}
