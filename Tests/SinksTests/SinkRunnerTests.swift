import Primitives
import Telemetry
import Testing

@testable import LogStore
@testable import Sinks

@Suite("Sink runners")
struct SinkRunnerTests {
    private static func models(_ numbers: some Sequence<Int>) -> [String] {
        numbers.map { "m-\($0)" }
    }

    @Test("deliver every record once and in order, and go on where they were")
    func order() throws {
        let scratch = try SinkScratch()
        try scratch.fill(1...35)
        let sink = ScriptedSink()
        let metrics = SinkMetrics(name: "a")
        var runner = try scratch.runner(metrics, sink)
        #expect(try scratch.await { metrics.delivered.current == 35 })
        try scratch.fill(36...40)
        runner.wake()
        runner.end()
        #expect(sink.memory.models == Self.models(1...40))
        try scratch.fill(41...42)
        let again = SinkMetrics(name: "a")
        runner = try scratch.runner(again, sink)
        runner.end()
        #expect(sink.memory.models == Self.models(1...42))
        #expect(again.delivered.current == 2)
        let progress = try scratch.store.progress(ofSink: "a")
        #expect(progress.delivered == 42 && progress.number == 42)
    }

    @Test("an outage loses nothing and sends nothing twice")
    func outage() throws {
        let scratch = try SinkScratch()
        try scratch.fill(1...25)
        let sink = ScriptedSink()
        sink.memory.fail(3)
        let metrics = SinkMetrics(name: "a")
        let runner = try scratch.runner(metrics, sink)
        #expect(try scratch.await { !metrics.currentTrouble.isEmpty })
        #expect(metrics.currentTrouble == "away")
        #expect(try scratch.await { metrics.delivered.current == 25 })
        runner.end()
        #expect(metrics.failures.current == 3 && metrics.currentTrouble.isEmpty)
        #expect(sink.memory.models == Self.models(1...25))
    }

    @Test("a refused record is set aside by name, and delays no other")
    func poison() throws {
        let scratch = try SinkScratch()
        try scratch.fill(1...30)
        let sink = ScriptedSink(poison: ["m-1", "m-17", "m-30"])
        let metrics = SinkMetrics(name: "a")
        let runner = try scratch.runner(metrics, sink)
        #expect(try scratch.await { metrics.number.current == 30 })
        runner.end()
        let expected = (1...30).filter { ![1, 17, 30].contains($0) }
        #expect(sink.memory.models == Self.models(expected))
        #expect(metrics.quarantined.current == 3 && metrics.delivered.current == 27)
        let quarantined = try scratch.store.quarantined(bySink: "a", limit: 10)
        #expect(quarantined.map(\.number) == [30, 17, 1])
        #expect(quarantined.allSatisfy { $0.reason == "poison" })
    }

    @Test("records that were removed before a sink had them are counted")
    func skipped() throws {
        let scratch = try SinkScratch()
        try scratch.store.register(sink: "a")
        try scratch.fill(1...10)
        _ = try scratch.store.retire(before: 1_700_000_000_000_007)
        let sink = ScriptedSink()
        let metrics = SinkMetrics(name: "a")
        let runner = try scratch.runner(metrics, sink)
        runner.end()
        #expect(sink.memory.models == Self.models(7...10))
        #expect(try scratch.store.progress(ofSink: "a").skipped == 6)
        // Numbers are not given again, though nothing is left.
        _ = try scratch.store.retire(before: .max)
        try scratch.fill(11...11)
        let next = try scratch.runner(SinkMetrics(name: "a"), sink)
        next.end()
        #expect(sink.memory.models == Self.models(7...11))
    }

    @Test("numbers that no record got are not counted, and what goes while it is sent is no loss")
    func gaps() throws {
        let scratch = try SinkScratch()
        let (sink, metrics) = (ScriptedSink(), SinkMetrics(name: "a"))
        for first in [1, 6, 11] {
            try scratch.fill(first...first + 4)
            // As after a kill, when the journal still holds what is stored.
            try scratch.fill(first...first + 4)
        }
        let runner = try scratch.runner(metrics, sink)
        runner.end()
        #expect(sink.memory.models == Self.models(1...15))
        #expect(try scratch.store.lastNumber() > 15 && metrics.skipped.current == 0)
        // Three of five go while a sink has them in hand, and two before it comes to them.
        try scratch.fill(16...20)
        let numbers = try scratch.stored().map(\.number)
        var progress = try scratch.store.progress(ofSink: "a")
        _ = try scratch.store.retire(before: 1_700_000_000_000_000 + 21)
        #expect(try scratch.store.progress(ofSink: "a").skipped == 5)
        progress.number = try #require(numbers.dropLast(2).last)
        progress.delivered += 3
        let skipped = try scratch.store.advance(progress, ofSink: "a", [])
        #expect(skipped == 2)
        #expect(try scratch.store.progress(ofSink: "a").skipped == 2)
    }

    @Test("records with large bodies come in portions that memory has room for")
    func portions() throws {
        let scratch = try SinkScratch()
        try scratch.fill(1...40) { record in
            record.responseBody = Record.Body(
                bytes: [UInt8](repeating: 0x61, count: 1 << 20), totalBytes: 1 << 20)
        }
        let some = try scratch.store.records(after: 0, limit: 1000, withBodies: true)
        #expect(some.count == 8)
        let rest = try scratch.store.records(after: 8, limit: 1000, withBodies: false)
        #expect(rest.count == 32)
    }

    @Test("several sinks go each at its own pace")
    func several() throws {
        let scratch = try SinkScratch()
        try scratch.fill(1...20)
        let (quick, stuck) = (ScriptedSink(), ScriptedSink())
        stuck.memory.fail(1_000_000)
        let metrics = [SinkMetrics(name: "quick"), SinkMetrics(name: "stuck")]
        let runners = [
            try scratch.runner(metrics[0], quick), try scratch.runner(metrics[1], stuck),
        ]
        #expect(try scratch.await { metrics[0].delivered.current == 20 })
        #expect(try scratch.await { metrics[1].failures.current > 0 })
        #expect(metrics[1].delivered.current == 0)
        stuck.memory.fail(0)
        for runner in runners { runner.end() }
        #expect(stuck.memory.models == Self.models(1...20))
        #expect(try scratch.store.sinkNames() == ["quick", "stuck"])
    }
}
