import JSON
import Support
import Testing

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
