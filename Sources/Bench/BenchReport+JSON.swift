public import JSON
import Primitives

// The report for other programs; times in microseconds.
extension BenchReport {
    /// Everything measured.
    public var json: JSONValue {
        .object([
            JSONValue.Member("time", .string(Timestamp.text(microseconds: microseconds))),
            JSONValue.Member("machine", .string(machine)),
            JSONValue.Member("command", .string(command)),
            JSONValue.Member("calls", .number("\(calls)")),
            JSONValue.Member("seconds", Self.value(seconds)),
            JSONValue.Member("cut_short", .bool(isCutShort)),
            JSONValue.Member("scenarios", .array(scenarios.map(value))),
            JSONValue.Member("targets", .array(plan.targets.indices.map(value))),
        ])
    }

    private static func value(_ number: Double?) -> JSONValue {
        guard let number, number.isFinite else { return .null }
        return .number("\((number * 1000).rounded() / 1000)")
    }

    private func value(_ target: Int) -> JSONValue {
        .object([
            JSONValue.Member("name", .string(plan.targets[target].name)),
            JSONValue.Member("faults", .array(faults(target).map { .string($0) })),
            JSONValue.Member("bytes_per_stream", Self.value(bytesPerStream[target])),
            JSONValue.Member(
                "resident_bytes", residentBytes[target].map { .number("\($0)") } ?? .null),
        ])
    }

    private func value(_ result: ScenarioResult) -> JSONValue {
        .object([
            JSONValue.Member("name", .string(result.scenario.name)),
            JSONValue.Member("streams", .bool(result.scenario.streams)),
            JSONValue.Member("connections", .number("\(result.scenario.connections)")),
            JSONValue.Member("rounds", .number("\(result.rounds)")),
            JSONValue.Member("discarded_rounds", .number("\(result.discardedRounds)")),
            JSONValue.Member(
                "targets", .array(plan.targets.indices.map { value(result, $0) })),
        ])
    }

    private func value(_ result: ScenarioResult, _ target: Int) -> JSONValue {
        let seen = result.measurements[target]
        let errors = seen.errors.sorted { "\($0.key)" < "\($1.key)" }
        return .object([
            JSONValue.Member("name", .string(plan.targets[target].name)),
            JSONValue.Member("verified", .number("\(seen.verified)")),
            JSONValue.Member(
                "errors",
                .object(errors.map { JSONValue.Member("\($0.key)", .number("\($0.value)")) })),
            JSONValue.Member("calls_per_second", Self.value(seen.rate)),
            JSONValue.Member("first_byte_us", Self.shares(seen.firstByte)),
            JSONValue.Member("first_content_us", Self.shares(seen.firstContent)),
            JSONValue.Member("gap_us", Self.shares(seen.gaps)),
            JSONValue.Member("total_us", Self.shares(seen.total)),
            JSONValue.Member("added_total_us", Self.value(result.addedTotal(target))),
            JSONValue.Member(
                "added_first_content_us", Self.value(result.addedFirstContent(target))),
            JSONValue.Member("cpu_us_per_call", Self.value(seen.cpuPerCall)),
            JSONValue.Member("cpu_us_per_chunk", Self.value(seen.cpuPerChunk)),
        ])
    }

    private static func shares(_ times: Measurements.Times) -> JSONValue {
        .object(
            [JSONValue.Member("mean", value(times.mean))]
                + [50.0, 90, 99, 99.9, 100].map {
                    JSONValue.Member("p\(percent($0))", value(times.percentile($0)))
                })
    }

    private static func value(_ estimate: Estimate?) -> JSONValue {
        guard let estimate else { return .null }
        return .object([
            JSONValue.Member("median", value(estimate.median)),
            JSONValue.Member("low", value(estimate.low)),
            JSONValue.Member("high", value(estimate.high)),
        ])
    }
}
