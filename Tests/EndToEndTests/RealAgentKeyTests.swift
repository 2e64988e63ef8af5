import JSON
import Support
import Testing

/// Coding agents as their makers ship them, with a client key of the gateway's.
@Suite("Real agents with a client key")
struct RealAgentKeyTests {
    private struct Session {
        let text: String
        let records: [JSONValue]

        /// What follows a word at the beginning of a line, for each such line.
        func lines(_ word: String) -> [String] {
            text.split(separator: "\n").filter { $0.hasPrefix(word) }.map {
                String($0.dropFirst(word.count))
            }
        }
    }

    /// Prices at which a call may cost a dollar, and costs some cents.
    private static let prices = """
        [prices.models."*"]
        input = 1000
        output = 1000
        max_input = 1000
        max_output = 10

        """

    /// A session of an agent whose key is its vendor's credential, or stands beside one.
    private static func session(
        _ agent: String, isBeside: Bool, limits: String
    ) throws -> Session {
        let (key, lines) = try AccessCommandTests.newKey("agent")
        let isClaude = agent == "claude"
        let own = isClaude ? "sk-ant-test" : "sk-proj-test"
        let (text, records) = try RealClientTests.session(
            agent, dialect: isClaude ? "anthropic" : "openai",
            first: isBeside ? "client" : "env:WEIR_TEST_KEY", rest: prices + lines + limits,
            environment: isBeside
                ? ["AGENT_CREDENTIAL": own, "AGENT_KEY": key] : ["AGENT_CREDENTIAL": key])
        let session = Session(text: text, records: records)
        #expect(session.lines("keys behind the gateway: ") == ["0"], "\(text)")
        return session
    }

    @Test(
        "is served by it alone, and beside the vendor's own, and no vendor sees the key",
        arguments: ["claude", "codex-http"], [false, true])
    func served(_ agent: String, _ isBeside: Bool) throws {
        let session = try Self.session(
            agent, isBeside: isBeside, limits: "budget = \"$1000/month\"\n")
        #expect(session.text.contains("All is done."), "\(session.text)")
        #expect(session.text.contains("different: 0"), "\(session.text)")
        #expect(session.lines("calls: ") == ["1 2"], "\(session.text)")
        let gateways =
            agent == "claude"
            ? "x-api-key: key-of-the-gateway" : "authorization: Bearer key-of-the-gateway"
        let own =
            agent == "claude" ? "x-api-key: sk-ant-test" : "authorization: Bearer sk-proj-test"
        #expect(
            session.lines("vendor saw: ") == [isBeside ? own : gateways, gateways],
            "\(session.text)")
        let charged = session.records.filter {
            $0["charged_nanodollars"]?.integer ?? 0 > 0 && $0["charge_basis"]?.text == "reported"
        }
        #expect(charged.count == 3, "\(session.records)")
        #expect(session.records.allSatisfy { $0["key"]?.text == "agent" })
    }

    @Test(
        "whose budget is spent in a session says so, and asks once",
        arguments: ["claude", "codex-http"])
    func spent(_ agent: String) throws {
        // The first call may cost a dollar; what it did cost leaves less than that for the next.
        let session = try Self.session(
            agent, isBeside: false, limits: "budget = \"$1.012/month\"\n")
        #expect(session.lines("calls: ") == ["1 0"], "\(session.text)")
        #expect(session.lines("refused: ") == ["1"], "\(session.text)")
        let said = session.lines("agent").joined(separator: "\n")
        #expect(
            agent == "claude"
                ? said.contains("spend limit reached (monthly; resets ")
                : said.contains("usage limit"), "\(session.text)")
    }
}
