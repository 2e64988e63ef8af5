import Dialects
import Telemetry

extension Batch {
    /// What its calls used, for metrics: those that made a model work, and that it answered.
    var usage: [UsageMetrics.Call] {
        var calls: [UsageMetrics.Call] = []
        calls.reserveCapacity(records.count)
        // Lent, not copied: a copy counts a reference for each of its texts.
        let all = records.span
        for index in all.indices {
            // Models of calls that failed are whatever clients have made up.
            guard 200..<400 ~= all[index].status,
                leftJournals.isEmpty || !leftJournals.contains(all[index].journal),
                RequestWork.isBilled(method: all[index].method, target: all[index].target)
            else { continue }
            var call = UsageMetrics.Call()
            call.vendor = all[index].vendor
            call.model = all[index].sentModel
            call.group = all[index].group
            let usage = all[index].usage
            call.tokens = [
                usage.input ?? 0, usage.cacheRead ?? 0, usage.output ?? 0, usage.reasoning ?? 0,
            ]
            call.nanodollars = all[index].costNanodollars ?? 0
            call.contentNanoseconds = all[index].contentMicroseconds.map { Int64($0) * 1000 }
            calls.append(call)
        }
        return calls
    }
}
