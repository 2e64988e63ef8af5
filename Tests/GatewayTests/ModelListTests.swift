import JSON
import LogStore
import Support
import Testbed
import Testing

@Suite("Lists of models")
struct ModelListTests {
    private static func toml(_ port: Int, models: String) -> String {
        """
        [server]
        models = "\(models)"
        [vendors.v]
        dialect = "openai"
        base_url = "http://127.0.0.1:\(port)/v1"
        credential = "none"
        [models."team-claude"]
        model = "gpt-4o-mini"
        vendor = "v"
        [[chains]]
        name = "c"
        models = ["gpt-4o"]
        targets = [{ vendor = "v" }]
        """
    }

    static let askers: [(path: String, fields: String, members: String)] = [
        ("/v1/models?limit=1000", "Authorization: Bearer a\r\n", "object data"),
        ("/v1/models?limit=1000", "x-api-key: a\r\n", "data has_more first_id last_id"),
        ("/v1beta/models", "", "models"),
        ("/v1/models?client_version=1.2.3", "", "models"),
    ]

    /// With targets of one dialect, or of each.
    static let chains = [
        "{ vendor = \"v\" }",
        "{ vendor = \"v\" }, { vendor = \"anthropic\" }, { vendor = \"gemini\" }",
    ]

    @Test("are the gateway's own where there are chains", arguments: askers, chains)
    func byDefault(
        _ asker: (path: String, fields: String, members: String), _ targets: String
    ) throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let key = ClientKeyTests.key(1)
        let gateway = try TestGateway(
            Self.toml(vendor.port, models: "").replacing("{ vendor = \"v\" }]", with: targets + "]")
                .replacing("\"gpt-4o\"", with: "\"gpt-4o\", \"meta/llama-3\", \"hidden\"")
                + "\n" + ClientKeyTests.lines("k", key, "models = [\"gpt-*\", \"meta/*\"]"))
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        let fields =
            "X-Weir-Key: \(key)\r\n" + (asker.fields.contains("Bearer") ? "" : asker.fields)
        let answer = try client.exchange(Request.get(asker.path, fields))
        let body = try JSONValue(parsing: answer.text)
        let list = (body["data"] ?? body["models"])?.elements ?? []
        let prefix = asker.path.hasPrefix("/v1beta") ? "models/" : ""
        #expect(
            list.compactMap { ($0["id"] ?? $0["name"])?.text }
                == (asker.path.contains("client_version")
                    ? [] : ["\(prefix)gpt-4o", "\(prefix)meta/llama-3"]))
        let path = prefix.isEmpty ? "/v1/models" : "/v1beta/models"
        for name in ["meta/llama-3", "meta%2Fllama-3"] {
            let one = try client.exchange(Request.get("\(path)/\(name)", fields))
            #expect(one.status == 200 && one.text.contains("meta/llama-3"), "\(one.text)")
        }
        for name in ["hidden", "team-claude", "meta/other", "a/b/c"] {
            let none = try client.exchange(Request.get("\(path)/\(name)", fields))
            #expect(none.status == 404 && none.text.contains("no model is listed"), "\(none.text)")
            let isGoogles = try JSONValue(parsing: none.text)["error"]?["status"] != nil
            #expect(isGoogles == !prefix.isEmpty)
        }
        #expect(try vendor.statistics().requestCount == 0)
    }

    @Test("are answered at once, in the shape that the client reads", arguments: askers)
    func shapes(_ asker: (path: String, fields: String, members: String)) throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(Self.toml(vendor.port, models: "own"))
        let client = try RawConnection(port: gateway.port)
        let response = try client.exchange(Request.get(asker.path, asker.fields))
        #expect(response.status == 200 && response["content-type"] == "application/json")
        let body = try JSONValue(parsing: response.text)
        guard case .object(let members) = body else { throw RawConnection.Failure.broken("body") }
        #expect(members.map(\.name).joined(separator: " ") == asker.members)
        let isCodex = asker.path.contains("client_version")
        #expect((response["etag"] != nil) == isCodex)
        let list = (body["data"] ?? body["models"])?.elements ?? []
        let names = list.compactMap { ($0["id"] ?? $0["name"])?.text }
        let prefix = asker.path.hasPrefix("/v1beta") ? "models/" : ""
        #expect(names == (isCodex ? [] : ["\(prefix)team-claude", "\(prefix)gpt-4o"]))
        // The connection serves on, and one model is asked for by its name.
        let one = try client.exchange(Request.get("/v1/models/team-claude", asker.fields))
        #expect(one.status == 200 && one.text.contains("team-claude"))
        let none = try client.exchange(Request.get("/v1/models/unknown", asker.fields))
        #expect(none.status == 404 && none.text.contains("no model is listed"))
        gateway.stop()
        #expect(try vendor.statistics().requestCount == 0)
        #expect(try gateway.record.records().map(\.status) == [200, 200, 404])
    }

    @Test("are read page by page by Anthropic's clients, and not again where they are known")
    func pages() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(Self.toml(vendor.port, models: "own"))
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        let pages: [(query: String, names: [String], hasMore: Bool)] = [
            ("limit=1", ["team-claude"], true), ("limit=2", ["team-claude", "gpt-4o"], false),
            ("limit=1&after_id=team-claude", ["gpt-4o"], false), ("after_id=gpt-4o", [], false),
            ("before_id=gpt-4o", ["team-claude"], false), ("limit=0", ["team-claude"], true),
        ]
        for (query, names, hasMore) in pages {
            let answer = try client.exchange(
                Request.get("/v1/models?\(query)", "anthropic-version: 2023-06-01\r\n"))
            let body = try JSONValue(parsing: answer.text)
            #expect((body["data"]?.elements ?? []).compactMap { $0["id"]?.text } == names)
            #expect(answer.text.contains("\"has_more\":\(hasMore)"), "\(answer.text)")
        }
        let path = "/v1/models?client_version=1.2.3"
        let first = try client.exchange(Request.get(path))
        let tag = try #require(first["etag"])
        for (condition, status) in [(tag, 304), ("W/\(tag), \"x\"", 304), ("\"x\"", 200)] {
            try client.send(Request.get(path, "If-None-Match: \(condition)\r\n"))
            let head = try client.take(through: "\r\n\r\n")
            #expect(head.hasPrefix("HTTP/1.1 \(status) "), "\(head)")
            #expect(head.contains("etag: \(tag)"))
            if status == 200 { _ = try client.take(first.body.count) }
        }
    }

    /// Paths that some vendor reads as a question for its models.
    static let spellings: [(path: String, isOwn: Bool)] = [
        ("/v1/models/", true), ("/v1//models", true), ("//v1/models", true), ("/V1/Models", true),
        ("/v1/%6dodels", true), ("/v1%2Fmodels", true), ("/v1/x/../models", true),
        ("/v1/models;x", true), ("/v1/models?limit=1", true), ("/v1alpha/models", true),
        ("/v1beta/openai/models", true), ("/openai/v1/models", true), ("/v2/models", true),
        ("/v1/%256dodels", false), ("/v1/models/m:x", false), ("/v1/tunedModels", false),
        ("/v1/publishers/google/models", false), ("/openai/deployments?api-version=1", false),
        ("/models", false),
    ]

    @Test(
        "hide what a key may not ask for, however the path is spelled", arguments: spellings,
        ["models = [\"gpt-4o\"]", "chains = [\"c\"]"])
    func hidden(_ spelling: (path: String, isOwn: Bool), _ limit: String) throws {
        let vendor = try AnsweringVendor(
            Array("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"id\":\"more\"}".utf8))
        defer { vendor.stop() }
        let key = ClientKeyTests.key(1)
        let gateway = try TestGateway(
            Self.toml(vendor.port, models: "own")
                + "\n[[chains]]\nname = \"all\"\npaths = [\"/*\"]\ntargets = [{ vendor = \"v\" }]\n"
                + ClientKeyTests.lines("k", key, limit))
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        let answer = try client.exchange(
            Request.get(spelling.path, "Authorization: Bearer \(key)\r\n"))
        #expect(answer.status == (spelling.isOwn ? 200 : 403), "\(answer.text)")
        #expect(!answer.text.contains("more") && !answer.text.contains("team-claude"))
        if spelling.isOwn { #expect(answer.text.contains("gpt-4o")) }
        // Google's servers take the method from a field.
        let field = "X-HTTP-Method-Override: GET\r\n"
        let posted = try client.exchange(
            "POST \(spelling.path) HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
                + "Authorization: Bearer \(key)\r\n\(field)\r\n{}")
        #expect(posted.status >= 400, "\(posted.text)")
        #expect(vendor.requests.allSatisfy { !$0.head.contains("odels") })
    }

    @Test("go to the vendor where the file says so; an alias asks it for another model")
    func vendors() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(Self.toml(vendor.port, models: "vendor"))
        let client = try RawConnection(port: gateway.port)
        let answer = try client.exchange(
            Request.chat().replacing("\"model\":\"gpt-4o\"", with: "\"model\":\"team-claude\"")
                .replacing("Content-Length: 77", with: "Content-Length: 82"))
        #expect(answer.status == 200)
        #expect(answer["x-weir-vendor"] == "v")
        gateway.stop()
        let record = try #require(try gateway.record.records().last)
        #expect(record.model == "team-claude")
        #expect(record.attempts.map(\.model) == ["gpt-4o-mini"])
    }

    @Test("of the vendor's pass with their condition and their tag")
    func condition() throws {
        let vendor = try AnsweringVendor(
            Array("HTTP/1.1 304 Not Modified\r\nETag: \"e-1\"\r\n\r\n".utf8))
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        let fields = "Authorization: Bearer a\r\nIf-None-Match: \"e-1\"\r\n"
        try client.send(Request.get("/v1/models?client_version=1.2.3", fields))
        let answer = try client.take(through: "\r\n\r\n")
        #expect(answer.hasPrefix("HTTP/1.1 304 ") && answer.contains("\r\nETag: \"e-1\"\r\n"))
        let asked = try #require(vendor.requests.last).head
        #expect(asked.hasPrefix("GET /v1/models?client_version=1.2.3 HTTP/1.1\r\n"), "\(asked)")
        #expect(asked.contains("\r\nIf-None-Match: \"e-1\"\r\n"), "\(asked)")
    }
}
