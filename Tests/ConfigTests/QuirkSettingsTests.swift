import Testing
import Translation

@testable import Config

@Suite("Quirks in the file")
struct QuirkSettingsTests {
    /// A line for each key, with a value that no model has without it.
    private static let lines = [
        "limit_field = \"max_tokens\"", "sampling = true", "sampling_unthinking = true",
        "sampling_once = true", "penalties = false", "system_role = \"developer\"",
        "middle_system = \"fold\"", "thinking = \"budget\"", "thinking_off = false",
        "efforts = [\"low\", \"high\"]", "tool_effort = \"named_none\"", "budget_min = 128",
        "budgets = [1, 2, 3, 4]", "output_max = 99", "output_min = 1", "stop_max = 2",
        "reasoning_field = \"reasoning\"", "reasoning_replay = \"tool_turns\"",
        "schema = \"openapi\"", "answer_schema = false", "call_name_length = 9",
        "gemini_generation = 2",
    ]

    private static func labels(of quirks: Quirks) -> [String: String] {
        var labels: [String: String] = [:]
        for child in Mirror(reflecting: quirks).children {
            labels[child.label ?? ""] = "\(child.value)"
        }
        return labels
    }

    @Test("each that the translation knows has a key, which is read and printed")
    func keys() throws {
        let plain = Self.labels(of: Quirks())
        var open = Set(plain.keys)
        for line in Self.lines {
            let (configuration, warnings) = try ConfigurationTests.read("[[quirks]]\n\(line)")
            #expect(warnings.isEmpty, "\(line)")
            #expect(configuration.description.contains("\n\(line)"), "\(line)")
            var quirks = Quirks()
            for row in configuration.quirks { row.apply(to: &quirks) }
            let changed = Self.labels(of: quirks).filter { plain[$0.key] != $0.value }
            #expect(changed.count == 1, "\(line)")
            open.subtract(changed.keys)
        }
        #expect(open.isEmpty)
    }

    @Test("the shipped file's comments have each key")
    func shipped() throws {
        let text = try ConfigurationTests.commented(from: "# [[quirks]]")
        #expect(try ConfigurationTests.read(text).warnings.isEmpty)
        for line in Self.lines {
            let key = line.prefix { $0 != " " }
            #expect(text.split(separator: "\n").contains { $0.hasPrefix("\(key) = ") }, "\(key)")
        }
    }

    @Test(
        "are refused where they are none",
        arguments: [
            "efforts = []", "efforts = [\"much\"]", "efforts = [1]", "efforts = \"low\"",
            "tool_effort = \"some\"", "budget_min = -1", "call_name_length = 1",
            "answer_schema = 1", "thinking = \"both\"", "budgets = [4, 3, 2, 1]",
        ])
    func faults(_ line: String) {
        #expect(ConfigurationTests.faults("[[quirks]]\n\(line)").count == 1)
    }
}
