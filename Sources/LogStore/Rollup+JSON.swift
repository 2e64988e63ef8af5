public import JSON

extension Rollup {
    /// The sums as members of an object, as `weir logs stats --json` and the page have them.
    public var members: [JSONValue.Member] {
        func number(_ name: String, _ value: Int?) -> JSONValue.Member {
            JSONValue.Member(name, value.map { .number("\($0)") } ?? .null)
        }
        return [
            number("calls", calls), number("failed", failed), number("failovers", failovers),
            number("input_tokens", inputTokens), number("cache_read_tokens", cacheReadTokens),
            number("output_tokens", outputTokens), number("reasoning_tokens", reasoningTokens),
            number("without_usage", withoutUsage),
            JSONValue.Member(
                "cost_usd",
                priced > 0 ? .number("\(Double(costNanodollars) / 1e9)") : .null),
            number("priced", priced), number("billed", billed),
            number("without_cost", withoutCost),
            number("content_us_p50", contentTimes.percentile(0.5)),
            number("content_us_p90", contentTimes.percentile(0.9)),
            number("content_us_p99", contentTimes.percentile(0.99)),
        ]
    }
}
