import JSON
import Testing

@testable import weir

/// What commands print fits a terminal of 80 columns.
@Suite("Output in 80 columns")
struct NarrowOutputTests {
    private static let width = 80

    /// A line that is wider than a terminal; nil where none is.
    static func widest(_ text: String) -> String? {
        text.split(separator: "\n").map(String.init).first { DisplayWidth.of($0) > width }
    }

    static func status(vendor: String, state: String, failure: String, count: Int) throws -> String
    {
        let value = try JSONValue(
            parsing: """
                {"version": "0.1.0", "process": 4877, "state": "serving", "vendors": [
                {"name": "\(vendor)", "state": "\(state)", "failure": "\(failure)",
                 "cools_until": \(state == "cooldown" ? "\"2026-12-01T12:04:09.000Z\"" : "null"),
                 "in_flight": \(count), "calls": \(count), "error_answers": \(count),
                 "failed_attempts": \(count), "moved_on": \(count), "cooldowns": \(count)}]}
                """)
        return StatusCommand.text(value, width: width)
    }

    @Test(
        "status: vendors, whatever their names, states and numbers",
        arguments: [
            ("a", "well", "", 0), ("anthropic", "cooldown", "credential", 12),
            ("anthropic", "part in cooldown", "stream_error", 9_999),
            ("a-vendor-with-a-name-of-forty-characters", "failing", "first_content", 1_234_567),
        ])
    func vendors(_ vendor: String, _ state: String, _ failure: String, _ count: Int) throws {
        let text = try Self.status(vendor: vendor, state: state, failure: failure, count: count)
        #expect(Self.widest(text) == nil, "\(text)")
        let rows = text.split(separator: "\n")
        let heading = rows.first { $0.hasPrefix("vendor") } ?? ""
        #expect(
            heading.split(separator: " ").joined(separator: " ")
                == "vendor open calls errors failed moved on cooled state")
        // A state that is too long goes on below, and is never cut.
        if state == "cooldown" {
            #expect(text.contains("until") && text.contains("12:04:09:") && text.contains(failure))
        }
    }
}
