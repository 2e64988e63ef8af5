import Config
import Dialects
import HTTP
import Primitives
import Testing

@testable import Routing

@Suite("Names of models of the operator's own")
struct AliasTests {
    private static let vendors = """
        [vendors.a]
        dialect = "openai"
        base_url = "http://a/v1"
        credential = "none"
        [vendors.b]
        dialect = "openai"
        base_url = "http://b/v1"
        credential = "none"

        """
    private static let alias = """
        [models."team-fast"]
        model = "gpt-4o-mini"

        """

    private static func table(_ toml: String) throws -> RoutingTable {
        let secrets = SecretSource(environment: { $0 }, file: { _ in nil })
        return RoutingTable(
            try Configuration.read(vendors + toml, file: "a", secrets: secrets).configuration)
    }

    /// Where a request for a model goes: `VENDOR/MODEL` for each target, and the chain.
    private static func way(
        _ table: RoutingTable, _ model: RequestModel.Finding, path: String = "/v1/chat/completions"
    ) -> String {
        let parser = RequestParser()
        let bytes = Array("POST \(path) HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        _ = parser.parse(bytes.span)
        do {
            let route = try parser.withHead { head throws(RoutingTable.Refusal) in
                try table.route(head) { model }
            }
            let targets = route.plan.targets.map {
                "\(table.vendors[$0.vendor].name)/\($0.model ?? "-")"
            }
            return route.plan.chain + ": " + targets.joined(separator: " ")
        } catch {
            return "\(error)".prefix { $0 != "(" }.description
        }
    }

    @Test("lead where the model behind them leads, and ask for that")
    func chains() throws {
        let table = try Self.table(
            Self.alias + """
                [[chains]]
                name = "mini"
                models = ["*-mini"]
                targets = [{ vendor = "a" }, { vendor = "b", model = "other" }]
                [[chains]]
                name = "rest"
                prefix = "/p"
                targets = [{ vendor = "b" }]
                """)
        #expect(
            Self.way(table, .named("team-fast")) == "mini: a/gpt-4o-mini b/other")
        #expect(Self.way(table, .named("gpt-4o-mini")) == "mini: a/- b/other")
        #expect(
            Self.way(table, .named("team-fast"), path: "/p/v1/chat/completions")
                == "rest: b/gpt-4o-mini")
        #expect(Self.way(table, .named("x"), path: "/p/v1/chat/completions") == "rest: b/-")
        // What cannot be read is no alias, and the chain refuses it as without one.
        #expect(
            Self.way(table, .unreadable("x"), path: "/p/v1/chat/completions") == "rest: b/-")
        #expect(Self.way(table, .unreadable("x")) == "modelUnreadable")
    }

    @Test("may have a vendor of their own, and need no chain")
    func vendor() throws {
        let own = Self.alias + "vendor = \"b\"\n"
        #expect(
            Self.way(try Self.table(own), .named("team-fast")) == "team-fast: b/gpt-4o-mini")
        let bare = try Self.table(Self.alias)
        #expect(Self.way(bare, .named("team-fast")).hasPrefix("team-fast: a/gpt-4o-mini"))
        #expect(Self.way(bare, .named("other")) == ": a/-")
        #expect(Self.way(bare, .none) == ": a/-")
    }

    @Test(
        "and the models of chains are what the gateway lists",
        arguments: [
            ("GET /v1/models", "list team-fast gpt-4o"),
            ("HEAD /v1/models/", "list team-fast gpt-4o"),
            ("GET /v1beta/models", "list team-fast gpt-4o"),
            ("GET /v1/models/team%2Dfast", "one team-fast a"),
            ("GET /v1/models/nope", "one nope -"),
            ("GET /p/v1/models", "list only-p"), ("POST /v1/models", "-"), ("GET /v1/chat", "-"),
            ("GET /v1/models/m:generateContent", "-"), ("GET /v1/modelsx", "-"),
        ])
    func catalog(_ line: String, _ answer: String) throws {
        let table = try Self.table(
            Self.alias + """
                [[chains]]
                name = "c"
                models = ["gpt-4o", "gpt-4o-*", "?"]
                targets = [{ vendor = "a" }]
                [[chains]]
                name = "p"
                prefix = "/p"
                models = ["only-p"]
                targets = [{ vendor = "b" }]
                """)
        let parser = RequestParser()
        let bytes = Array("\(line) HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        _ = parser.parse(bytes.span)
        let question = parser.withHead { table.models.question($0) { _ in true } }
        let text =
            switch question {
            case nil: "-"
            case .list(let entries)?: "list " + entries.map(\.name).joined(separator: " ")
            case .one(let name, let entry)?: "one \(name) \(entry?.vendor ?? "-")"
            }
        #expect(text == answer)
    }
}
