import JSON
import Support
import Testing
import Translation

/// What it costs a worker to say a stream in another dialect, counted in instructions.
@Suite("The cost of translation")
struct TranslationCostTests {
    private static let forms = ["chat", "responses", "messages", "gemini"]

    /// A vendor of each form, and a chain that leads to it.
    private static let lines: String = {
        var toml = ""
        for form in forms {
            let dialect = ["messages": "anthropic", "gemini": "gemini"][form] ?? "openai"
            toml += "[vendors.\(form)]\ndialect = \"\(dialect)\"\ncredential = \"none\"\n"
            let path = dialect == "openai" ? "/v1" : ""
            toml += "base_url = \"VENDOR\(path)\"\n"
            if dialect == "openai" { toml += "apis = [\"\(form)\"]\n" }
        }
        for form in forms {
            toml += "[[chains]]\nname = \"\(form)\"\nmodels = [\"m-\(form)\"]\n"
            toml += "targets = [{ vendor = \"\(form)\", model = \"m\" }]\n"
        }
        return toml
    }()

    /// A client's request for a stream of so many chunks from a vendor.
    private static func request(_ client: String, _ vendor: String, _ chunks: Int) -> String {
        let (model, text) = ("m-\(vendor)", "[[mock chunks=\(chunks)]]")
        let head = "\"model\":\"\(model)\",\"stream\":true"
        let message = "{\"role\":\"user\",\"content\":\"\(text)\"}"
        switch client {
        case "chat":
            return RecordTests.request(
                "/v1/chat/completions", "{\(head),\"messages\":[\(message)]}")
        case "responses":
            return RecordTests.request("/v1/responses", "{\(head),\"input\":\"\(text)\"}")
        case "messages":
            return RecordTests.request(
                "/v1/messages", "{\(head),\"max_tokens\":9,\"messages\":[\(message)]}")
        default:
            return RecordTests.request(
                "/v1beta/models/\(model):streamGenerateContent?alt=sse",
                "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"\(text)\"}]}]}")
        }
    }

    /// An agent's request of 200 KB in a client's form, for a vendor.
    private static func agentRequest(_ client: Form, _ vendor: String) throws -> String {
        let whole = AgentRequest(size: 200_000, isStreamed: false)
        let read = try RawJSON(parsing: whole.body)
        let written = try RequestTranslation(
            read, from: .messages, to: client, model: "m-\(vendor)")
        let paths: [Form: String] = [
            .chat: "/v1/chat/completions", .responses: "/v1/responses", .messages: "/v1/messages",
            .gemini: "/v1beta/models/m-\(vendor):generateContent",
        ]
        let path = paths[client] ?? ""
        return RecordTests.request(path, String(decoding: written.body, as: UTF8.self))
    }

    /// What a request of 200 KB may take of a worker, with all that belongs to its exchange.
    ///
    /// Before objects were opened once, pairs took 15 to 25 million; the translation alone has some
    /// 6 to 10 of them now, which are less than 1.1 ms.
    private static let requestMax = 18_000_000.0

    @Test("a translated request of 200 KB costs a bounded number of instructions, for every pair")
    func requests() throws {
        let gateway = try CallgrindGateway(Self.lines)
        for client in Form.allCases {
            for vendor in Self.forms where vendor != client.rawValue {
                let request = try Self.agentRequest(client, vendor)
                let cost = try gateway.perRequest(request).instructions ?? 0
                // A count that counts nothing would pass for ever.
                #expect(cost > 200_000 && cost <= Self.requestMax, "\(client)>\(vendor): \(cost)")
            }
        }
    }

    @Test("a translated chunk costs no more than three relayed ones, for every pair")
    func chunks() throws {
        let gateway = try CallgrindGateway(Self.lines)
        for vendor in Self.forms {
            func cost(_ client: String) throws -> Double {
                try gateway.perChunk(1500) { Self.request(client, vendor, $0) }.instructions ?? 0
            }
            let relayed = try cost(vendor)
            // A count that counts nothing would pass for ever.
            #expect(relayed > 500)
            for client in Self.forms where client != vendor {
                let translated = try cost(client)
                #expect(
                    translated > relayed && translated <= 3 * relayed,
                    "\(client) from \(vendor): \(translated) where a relayed one is \(relayed)")
            }
        }
    }
}
