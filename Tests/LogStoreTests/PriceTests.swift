import Dialects
import Primitives
import Testing

@testable import LogStore

@Suite("Prices")
struct PriceTests {
    private static func record(
        model: String, answering: String = "", vendor: String = "openai",
        _ fill: (inout Usage) -> Void
    ) -> LogStore.Record {
        var record = LogStore.Record(Identifier(high: 0, low: 1))
        record.model = model
        record.answeringModel = answering
        record.vendor = vendor
        record.usageState = .reported
        fill(&record.usage)
        return record
    }

    private static let file = """
        {"sample_spec":{"note":"no price"},
         "gpt-x":{"input_cost_per_token":2e-06,"output_cost_per_token":1e-05,
            "cache_read_input_token_cost":5e-07},
         "anthropic/claude-x":{"input_cost_per_token":3e-06,"output_cost_per_token":1.5e-05,
            "cache_read_input_token_cost":3e-07,"cache_creation_input_token_cost":3.75e-06,
            "cache_creation_input_token_cost_above_1hr":6e-06},
         "gemini/long":{"input_cost_per_token":1e-06,"output_cost_per_token":4e-06,
            "input_cost_per_token_above_200k_tokens":2e-06,
            "output_cost_per_token_above_200k_tokens":8e-06},
         "sound":{"input_cost_per_token":1e-06,"output_cost_per_token":2e-06,
            "input_cost_per_audio_token":1e-05,"output_cost_per_audio_token":2e-05,
            "output_cost_per_reasoning_token":3e-06},
         "dall-e":{"input_cost_per_pixel":1e-08}}
        """

    private static func table(globs: [(String, PriceTable.Price)] = []) throws -> PriceTable {
        try PriceTable(version: "v1 2026-11-24", globs: globs, file: file)
    }

    @Test("each token is paid for once, at its own kind's price")
    func kinds() throws {
        let table = try Self.table()
        let plain = Self.record(model: "gpt-x") {
            $0.input = 1000
            $0.output = 100
            $0.cacheRead = 400
            $0.reasoning = 50
        }
        // 600 × 2 µ$ + 400 × 0.5 µ$ + 100 × 10 µ$
        #expect(table.nanodollars(for: plain) == 2_400_000)
        let cached = Self.record(model: "x", answering: "claude-x", vendor: "anthropic") {
            $0.input = 1000
            $0.output = 10
            $0.cacheRead = 500
            $0.cacheWrite = 200
            $0.cacheWriteLong = 100
        }
        // 200 × 3 + 500 × 0.3 + 200 × 3.75 + 100 × 6 + 10 × 15
        #expect(table.nanodollars(for: cached) == 2_250_000)
        var long = Self.record(model: "long", vendor: "gemini") {
            $0.input = 200_000
            $0.output = 10
        }
        #expect(table.nanodollars(for: long) == 200_040_000)
        long.usage.input = 200_001
        #expect(table.nanodollars(for: long) == 400_082_000)
        let sound = Self.record(model: "sound") {
            $0.input = 10
            $0.output = 30
            $0.audioInput = 4
            $0.audioOutput = 5
            $0.reasoning = 6
        }
        // 6 × 1 + 4 × 10 + 19 × 2 + 5 × 20 + 6 × 3
        #expect(table.nanodollars(for: sound) == 202_000)
    }

    @Test("globs come first, a target's own model counts, an unpriced model has no cost")
    func names() throws {
        var own = PriceTable.Price()
        own.set(.input, 1)
        let table = try Self.table(globs: [("gpt-x-mini*", own), ("*-eu", own), ("a*b*c", own)])
        func cost(_ model: String, sent: String = "") -> Int? {
            var record = Self.record(model: model) {
                $0.input = 1
                $0.output = 0
            }
            record.attempts = [LogStore.Record.Attempt(vendor: "openai", model: sent)]
            return table.nanodollars(for: record)
        }
        #expect(cost("gpt-x-mini-1") == 1_000_000_000)
        #expect(cost("gpt-x") == 2000)
        #expect(cost("other", sent: "gpt-x") == 2000)
        #expect(cost("other", sent: "gpt-eu") == 1_000_000_000)
        #expect(cost("a-b-c") == 1_000_000_000 && cost("abc") != nil && cost("acb") == nil)
        // What is before a star and what is after it are different bytes of the name.
        #expect(cost("a-b-b-c") != nil && cost("ab") == nil && cost("gpt-x-min") == nil)
        #expect(cost("-eu") != nil && cost("eu") == nil && cost("ac") == nil)
        #expect(cost("unpriced") == nil && cost("dall-e") == nil)
        var unknown = Self.record(model: "gpt-x") { $0.input = 1 }
        unknown.usageState = .unknown
        #expect(table.nanodollars(for: unknown) == nil)
        let again = Self.record(model: "gpt-x") { $0.input = 1 }.repriced(by: table)
        #expect(again.costNanodollars == 2000 && again.priceVersion == "v1 2026-11-24")
    }

    @Test("pictures, and steps and tiers of each kind, from a file")
    func steps() throws {
        let table = try PriceTable(
            version: "v", globs: [],
            file: #"{"m":{"input_cost_per_token":1e-06,"output_cost_per_token":2e-06,"#
                + #""input_cost_per_image_token":5e-06,"output_cost_per_image_token":3e-05,"#
                + #""cache_creation_input_token_cost":4e-06,"#
                + #""cache_creation_input_token_cost_above_200k_tokens":8e-06,"#
                + #""input_cost_per_token_above_272k_tokens":3e-06,"#
                + #""input_cost_per_token_flex":5e-07,"output_cost_per_token_flex":1e-06,"#
                + #""cache_read_input_token_cost_flex":1e-07,"#
                + #""input_cost_per_token_priority":2e-06,"output_cost_per_token_priority":4e-06,"#
                + #""input_cost_per_token_above_200k_tokens_priority":6e-06,"#
                + #""input_cost_per_token_batches":4e-07,"output_cost_per_token_batches":8e-07,"#
                + #""output_cost_per_token_above_xk_tokens":1,"output_cost_per_token_flex_x":1,"#
                + #""cache_read_input_token_cost":-1}}"#)
        func cost(_ tier: ServiceTier = .standard, _ fill: (inout Usage) -> Void) -> Int? {
            var record = Self.record(model: "m", fill)
            record.serviceTier = tier
            return table.nanodollars(for: record)
        }
        let pictures: (inout Usage) -> Void = {
            ($0.input, $0.output, $0.imageInput, $0.imageOutput) = (10, 20, 4, 15)
        }
        // 6 × 1 + 4 × 5 + 5 × 2 + 15 × 30
        #expect(cost(.standard, pictures) == 486_000)
        let cached: (inout Usage) -> Void = { ($0.input, $0.output, $0.cacheRead) = (10, 1, 4) }
        #expect(cost(.standard, cached) == 12_000)
        // 6 × 0.5 + 4 × 0.1 + 1 × 1
        #expect(cost(.flex, cached) == 4400)
        #expect(cost(.priority, cached) == 24_000)
        #expect(cost(.batch, cached) == 4800)
        #expect(cost(.fast, cached) == nil && cost(.provisioned, cached) == nil)
        let written: (inout Usage) -> Void = { ($0.input, $0.cacheWrite) = (250_000, 50_000) }
        // 200,000 × 1 + 50,000 × 8
        #expect(cost(.standard, written) == 600_000_000)
        #expect(cost { $0.input = 272_001 } == 816_003_000)
        #expect(cost(.priority) { $0.input = 200_001 } == 1_200_006_000)
    }

    @Test("each model's tokens at its own price, and no cost without one of them")
    func models() throws {
        var small = PriceTable.Price()
        small.set(.input, 1e-6)
        small.set(.output, 2e-6)
        var big = PriceTable.Price()
        big.set(.input, 1e-5)
        big.set(.output, 5e-5)
        let table = try PriceTable(
            version: "v", globs: [("small", small), ("big*", big)], file: nil)
        for (advisor, cost) in [("big-1", 1_030_000), ("nobody", nil), ("", nil)] {
            var record = Self.record(model: "small", answering: "small", vendor: "anthropic") {
                ($0.input, $0.output) = (10, 10)
            }
            record.usageText =
                #"[{"input_tokens":10},{"iterations":[{"input_tokens":10,"output_tokens":10},"#
                + #"{"type":"advisor_message","model":"\#(advisor)","input_tokens":50,"#
                + #""output_tokens":10}]}]"#
            // 10 × 1 + 10 × 2 + 50 × 10 + 10 × 50
            #expect(table.nanodollars(for: record) == cost)
        }
    }

    @Test("a cost that is no number is none")
    func absurd() throws {
        let table = try PriceTable(
            version: "v", globs: [],
            file: #"{"a":{"input_cost_per_token":1e999},"b":{"input_cost_per_token":1e200}}"#)
        for model in ["a", "b"] {
            let record = Self.record(model: model) { $0.input = 1 << 40 }
            #expect(table.nanodollars(for: record) == nil)
        }
        var rollup = Rollup()
        for _ in 0..<3 {
            var record = Self.record(model: "a") { $0.input = .max }
            record.costNanodollars = .max
            rollup.add(record)
        }
        #expect(rollup.inputTokens == .max && rollup.costNanodollars == .max)
    }

    @Test("a file that is none is refused", arguments: ["", "[]", "{", "{}", "{\"a\":{}}"])
    func files(_ text: String) {
        #expect(throws: PriceTable.Unusable.self) {
            try PriceTable(version: "v", globs: [], file: text)
        }
    }

    @Test("traces go on from what a client sent, where that is right")
    func traces() {
        let right = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        #expect(TraceParent(right)?.span == "b7ad6b7169203331")
        for name in ["traceparent", "Traceparent", "TRACEPARENT"] {
            let fields = Array("a: b\r\n\(name): \(right)\r\n".utf8)
            let found = TraceParent(fields: fields.span)?.description
            #expect(found == right)
        }
        for wrong in [
            "", "00", right.uppercased(), right + "-x", "ff" + right.dropFirst(2),
            right.replacing("b7ad6b7169203331", with: "0000000000000000"),
            right.replacing("0af7651916cd43dd", with: "0af7651916cd43d"),
        ] { #expect(TraceParent(wrong) == nil) }
        #expect(TraceParent("01" + right.dropFirst(2) + "-more") != nil)
    }
}
