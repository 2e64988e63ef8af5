import Config
import Dialects
import HTTP
import Primitives
import Testing

@testable import Routing

@Suite("Models that vendors list")
struct ModelCatalogTests {
    private static func table(_ chains: String) throws -> RoutingTable {
        let toml = """
            [vendors.a]
            dialect = "openai"
            base_url = "http://a/v1"
            credential = "none"
            [vendors.b]
            dialect = "openai"
            base_url = "http://b/v1"
            credential = "none"

            """
        let secrets = SecretSource(environment: { _ in nil }, file: { _ in nil })
        let read = try Configuration.read(toml + chains, file: "a", secrets: secrets)
        return RoutingTable(read.configuration)
    }

    private static let lists = ["a": ["m1", "m2", "x*y"], "b": ["m2", "m3"]]
        .mapValues { $0.map { ListedModel($0) } }

    /// What is listed below a path, with who serves it.
    private static func listed(
        _ table: RoutingTable, _ path: String = "/v1/models",
        isAllowed: (ModelCatalog.Entry) -> Bool = { _ in true }
    ) -> [String] {
        let parser = RequestParser()
        _ = parser.parse(Array("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n".utf8).span)
        let question = parser.withHead { table.models.question($0, isAllowed: isAllowed) }
        guard case .list(let entries)? = question else { return [] }
        return entries.map { "\($0.name)@\($0.vendor)" }
    }

    @Test("are those that a request would be led to there, behind the gateway's own")
    func reachable() throws {
        let two = """
            [models.fast]
            model = "m2"
            vendor = "b"
            [[chains]]
            name = "one"
            models = ["m1", "m2"]
            targets = [{ vendor = "a" }]
            [[chains]]
            name = "rest"
            models = ["*"]
            targets = [{ vendor = "b" }]
            """
        let other = """
            [[chains]]
            name = "one"
            targets = [{ vendor = "a", model = "other" }, { vendor = "b" }]
            """
        let paths = """
            [[chains]]
            name = "embeddings"
            paths = ["/v1/embeddings"]
            targets = [{ vendor = "b" }]
            [[chains]]
            name = "team"
            prefix = "/team"
            targets = [{ vendor = "b" }]
            """
        let cases: [(chains: String, path: String, expected: [String])] = [
            // The first vendor of the dialect, where no chain decides.
            ("", "/v1/models", ["m1@a", "m2@a", "x*y@a"]),
            (two, "/v1/models", ["fast@b", "m1@a", "m2@a", "m3@b"]),
            // A target with a model of its own asks for that, whatever the client names.
            (other, "/v1/models", ["other@a", "m2@b", "m3@b"]),
            // With chains, what none of them serves goes out with no credential of the gateway's.
            (paths, "/v1/models", []), (paths, "/team/v1/models", ["m2@b", "m3@b"]),
        ]
        for (chains, path, expected) in cases {
            let table = try Self.table(chains)
            table.models.adopt(Self.lists)
            #expect(Self.listed(table, path) == expected, "\(chains)")
        }
    }

    @Test("are asked for where a chain leaves the model to the client, and the gateway can ask")
    func asked() throws {
        func chain(_ models: String, _ targets: String, _ server: String = "") -> String {
            "\(server)[[chains]]\nname = \"c\"\nmodels = \(models)\ntargets = [\(targets)]\n"
        }
        let (a, b) = ("{ vendor = \"a\" }", "{ vendor = \"b\", model = \"m\" }")
        let callers = "{ vendor = \"openai\" }"
        let cases: [(chains: String, isOwn: Bool, asked: Set<String>)] = [
            ("", false, ["a"]), ("[server]\nmodels = \"own\"\n", true, ["a"]),
            (chain("[\"*\"]", a + "," + b), true, ["a"]),
            (chain("[\"m1\"]", a), true, []), (chain("[\"m*\"]", b), true, []),
            (chain("[\"m*\"]", a, "[server]\nmodels = \"vendor\"\n"), false, ["a"]),
            // Only its client can have these listed.
            (chain("[\"*\"]", callers), false, []), (chain("[\"m\"]", callers), true, []),
            (chain("[\"*\"]", callers + "," + a), true, ["a"]),
            (chain("[\"*\"]", callers, "[server]\nmodels = \"own\"\n"), true, []),
            (chain("[\"*\"]", callers) + "paths = [\"/v1/files*\"]\n", true, []),
        ]
        for (chains, isOwn, asked) in cases {
            let models = try Self.table(chains).models
            #expect(models.isOwn == isOwn && models.vendorsToAsk == asked, "\(chains)")
        }
    }

    @Test("are awaited once a client has asked, until all vendors were")
    func awaited() throws {
        let models = try Self.table("").models
        #expect(!models.isAwaited())
        models.onQuestion { models.adopt([:], isComplete: true) }
        models.adopt([:], isComplete: false)
        // The question itself has them asked.
        #expect(models.isAwaited() && !models.isAwaited())
    }

    @Test("replace what was listed before, and are cut to what the caller may use")
    func changes() throws {
        let table = try Self.table("")
        table.models.adopt(Self.lists)
        table.models.adopt(["a": [ListedModel("m4"), ListedModel("m5")]])
        #expect(Self.listed(table) == ["m4@a", "m5@a"])
        #expect(Self.listed(table) { $0.name == "m5" } == ["m5@a"])
        table.models.adopt([:])
        #expect(Self.listed(table).isEmpty)
    }
}
