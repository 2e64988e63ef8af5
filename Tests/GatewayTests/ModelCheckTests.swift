import Support
import Testbed
import Testing

/// What a key may ask for is decided by what any vendor may read in a request.
@Suite("What a key may ask for")
struct ModelCheckTests {
    private struct Case: CustomTestStringConvertible, Sendable {
        let name: String
        var path = "/v1/chat/completions"
        var type = "application/json"
        var isChunked = false
        let body: String

        var testDescription: String { name }

        func request(_ key: String) -> String {
            let head =
                "POST \(path) HTTP/1.1\r\nHost: localhost\r\nx-weir-key: \(key)\r\n"
                + (type.isEmpty ? "" : "Content-Type: \(type)\r\n")
            guard isChunked else {
                return head + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
            }
            return head + "Transfer-Encoding: chunked\r\n\r\n"
                + "\(String(body.utf8.count, radix: 16))\r\n\(body)\r\n0\r\n\r\n"
        }
    }

    private static let pad = String(repeating: "x", count: 6000)
    private static let form = "multipart/form-data; boundary=B"
    private static let part =
        "--B\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nbig\r\n--B--\r\n"
    private static let small = #"{"model":"small","messages":[]}"#

    private static let refused: [Case] = [
        Case(name: "large, two models", body: #"{"model":"small","x":"\#(pad)","model":"big"}"#),
        Case(
            name: "large, in chunks", isChunked: true,
            body: #"{"model":"small","x":"\#(pad)","model":"big"}"#),
        Case(name: "large, a list", body: #"{"model":"small","models":["big"],"x":"\#(pad)"}"#),
        Case(
            name: "large, messages", path: "/v1/messages",
            body: #"{"model":"small","x":"\#(pad)","model":"big"}"#),
        Case(name: "single quotes", body: #"{"model":"small",'model':"big"}"#),
        Case(name: "unquoted", body: #"{"model":"small",model:"big"}"#),
        Case(name: "two objects", body: #"{"model":"small"}{"model":"big"}"#),
        Case(name: "broken off", body: #"{"model":"small","messages":["#),
        Case(
            name: "Google's for OpenAI's clients", path: "/v1beta/openai/chat/completions",
            body: #"{"model":"small",'model':"big"}"#),
        Case(
            name: "preamble", path: "/v1/audio/transcriptions", type: form,
            body: "{\"model\":\"small\"}\r\n\(part)"),
        Case(
            name: "preamble of pictures", path: "/v1/images/edits", type: form,
            body: "{\"model\":\"small\"}\r\n\(part)"),
        Case(
            name: "form and JSON", path: "/v1/completions",
            type: "application/x-www-form-urlencoded",
            body: #"{"model":"small","prompt":"&model=big&x="}"#),
        Case(
            name: "two types", type: "application/json\r\nContent-Type: \(form)", body: small),
        Case(name: "utf-7", type: "application/json; charset=utf-7", body: small),
        Case(name: "deployment", path: "/v1/deployments/big/chat/completions", body: small),
        Case(name: "escaped", path: "/v1/deplo%79ments/big/chat/completions", body: small),
        Case(name: "escaped slash", path: "/v1/deployments%2Fbig/chat/completions", body: small),
        Case(name: "backslash", path: #"/v1/deployments\big\chat\completions"#, body: small),
        Case(name: "dots", path: "/v1/deployments/./big/chat/completions", body: small),
        Case(name: "engine", path: "/v1/%65ngines/big/completions", body: small),
        Case(name: "Bedrock", path: "/model/big/invoke", body: small),
        Case(name: "Bedrock's other", path: "/model/big/converse", body: small),
        Case(name: "query", path: "/v1/chat/completions?mode%6C=big", body: small),
        Case(
            name: "Vertex", path: "/v1/projects/p/publishers/anthropic/models/big:rawPredict",
            body: small),
        Case(name: "Gemini's folder", path: "/v1beta/mod%65ls/big:generateContent", body: small),
    ]

    private static func gateway(_ vendor: Int, _ keys: String) throws -> TestGateway {
        try TestGateway(
            """
            [server]
            replay_limit = "4KiB"
            models = "vendor"
            [vendors.openai]
            base_url = "http://127.0.0.1:\(vendor)/v1"
            credential = "none"
            [vendors.anthropic]
            base_url = "http://127.0.0.1:\(vendor)"
            credential = "none"
            [vendors.gemini]
            base_url = "http://127.0.0.1:\(vendor)"
            credential = "none"
            [[chains]]
            name = "cheap"
            models = ["small"]
            targets = [{ vendor = "openai" }, { vendor = "anthropic" }, { vendor = "gemini" }]
            [[chains]]
            name = "clouds"
            paths = ["/model/*", "/v1/projects/*"]
            targets = [{ vendor = "anthropic" }]
            [[chains]]
            name = "pictures"
            paths = ["/v1/images/*"]
            targets = [{ vendor = "openai" }]
            [[chains]]
            name = "rest"
            targets = [{ vendor = "openai" }, { vendor = "anthropic" }, { vendor = "gemini" }]
            [prices.models."small"]
            input = 0.1
            output = 0.4
            max_input = 1000
            max_output = 1000
            [prices.models."big"]
            input = 0.1
            output = 0.4
            max_input = 1000
            max_output = 1000
            \(keys)
            """)
    }

    @Test("is refused in every way to another model, whatever limits the key")
    func refused() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let keys = (1...4).map { ClientKeyTests.key(UInt64($0)) }
        let gateway = try Self.gateway(
            vendor.port,
            ClientKeyTests.lines("model", keys[0], "models = [\"small*\"]")
                + ClientKeyTests.lines("chain", keys[1], "chains = [\"cheap\"]")
                + ClientKeyTests.lines("money", keys[2], "budget = \"$10/day\"")
                + ClientKeyTests.lines("tokens", keys[3], "tokens = \"9M/1h\""))
        defer { gateway.stop() }
        for request in Self.refused {
            // A path that decides has a price of its own, and is within a budget.
            let isPath = request.path.contains("big") && request.name != "dots"
            for (index, key) in keys.enumerated() where index < 2 || !isPath {
                // A limit on tokens counts those of any model.
                if index == 3, request.name == "query" { continue }
                let response = try RawConnection(port: gateway.port).exchange(
                    request.request(key))
                #expect(
                    [400, 403, 413].contains(response.status),
                    "\(request.name) \(index) \(response.text)")
            }
        }
        #expect(try vendor.statistics().requestCount == 0)
    }

    @Test("is passed on where every vendor reads the same")
    func passed() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let keys = (1...2).map { ClientKeyTests.key(UInt64($0)) }
        let gateway = try Self.gateway(
            vendor.port,
            ClientKeyTests.lines("model", keys[0], "models = [\"small\"]\nbudget = \"$10/day\"")
                + ClientKeyTests.lines("chain", keys[1], "chains = [\"cheap\", \"clouds\"]"))
        defer { gateway.stop() }
        for (key, request) in [
            (0, Case(name: "plain", body: Self.small)), (1, Case(name: "plain", body: Self.small)),
            (0, Case(name: "without a type", type: "", body: Self.small)),
            (
                0,
                Case(name: "engine", path: "/v1/engines/small/completions", body: Self.small)
            ),
            (0, Case(name: "Bedrock", path: "/model/small/invoke", body: "{}")),
            (1, Case(name: "Bedrock", path: "/model/small/invoke", body: Self.small)),
            (
                0,
                Case(
                    name: "form", path: "/v1/audio/transcriptions", type: Self.form,
                    body: Self.part.replacing("big", with: "small"))
            ),
        ] {
            let response = try RawConnection(port: gateway.port).exchange(
                request.request(keys[key]))
            // The vendor here knows few paths, and says so itself.
            let isPassed = response.status == 200 || response.text.contains("no such path")
            #expect(isPassed, "\(key) \(request.name) \(response.text)")
        }
        for (path, isPassed) in [("/v1/models/small", true), ("/v1/models/big", false)] {
            let response = try RawConnection(port: gateway.port).exchange(
                Request.get(path, "x-weir-key: \(keys[0])\r\n"))
            #expect((response.status != 403) == isPassed, "\(path) \(response.text)")
        }
        let file = Case(name: "file", path: "/v1/files", type: Self.form, body: Self.pad)
        let upload = try RawConnection(port: gateway.port).exchange(file.request(keys[0]))
        #expect([200, 404].contains(upload.status), "a file names no model: \(upload.text)")
    }

    @Test("is no other chain's, whatever the spelling of its path")
    func spelled() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let key = ClientKeyTests.key(1)
        let gateway = try Self.gateway(
            vendor.port, ClientKeyTests.lines("rest", key, "chains = [\"rest\"]"))
        defer { gateway.stop() }
        for path in [
            "/v1/images/generations", "/v1/im%61ges/generations", "/v1/Images/generations",
            "/v1//images/generations", "/v1/images%2Fgenerations", "/v1/x/../images/generations",
        ] {
            let request = Case(name: "", path: path, body: #"{"model":"other","prompt":"x"}"#)
            let response = try RawConnection(port: gateway.port).exchange(
                request.request(key))
            #expect([400, 403].contains(response.status), "\(path) \(response.text)")
        }
        #expect(try vendor.statistics().requestCount == 0)
    }
}
