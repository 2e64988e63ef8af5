import Glibc
import JSON
import Primitives
import Reactor
import Support
import Testbed
import Testing
import Transfers

@testable import Bench

@Suite("Bench", .serialized)
struct BenchTests {
    private static let isPrepared: Bool = {
        signal(SIGPIPE, SIG_IGN)
        return Curl.initialize()
    }()

    private static func target(_ name: String, _ port: Int) -> BenchPlan.Target {
        BenchPlan.Target(
            name: name, origin: Endpoint.Origin(scheme: "http", host: "127.0.0.1", port: port),
            basePath: "/v1", process: name == "direct" ? nil : getpid())
    }

    /// What a benchmark says of a gateway that does something wrong.
    private static func report(
        _ fault: WorseGateway.Fault, rate: Int? = nil, change: (inout BenchPlan) -> Void = { _ in }
    ) throws -> BenchReport {
        try #require(isPrepared)
        guard let address = SocketAddress("127.0.0.1:0") else { throw SystemError(call: "address") }
        let vendor = try ScriptedVendor(listen: address)
        defer { vendor.stop() }
        let gateway = try WorseGateway(fault, vendor: vendor.port)
        var plan = BenchPlan(
            targets: [target("direct", vendor.port), target("via", gateway.port)],
            scenarios: [
                BenchPlan.Scenario(streams: false, connections: 1, rate: rate, script: "chunks=4"),
                BenchPlan.Scenario(streams: true, connections: 1, rate: rate, script: "chunks=6"),
            ])
        plan.isScripted = true
        plan.duration = .milliseconds(400)
        change(&plan)
        return try withExtendedLifetime(gateway) { try Bench.run(plan) { _ in } }
    }

    @Test(
        "catches a gateway made worse on purpose, by name",
        arguments: QuickRun.sample(
            [
                (WorseGateway.Fault.nothing, [String]()), (.sleep, ["added_latency"]),
                (.droppedChunk, ["missing_chunk"]), (.doubledChunk, ["extra_chunk"]),
                (.buffered, ["buffered_stream"]), (.lostDone, ["missing_terminal"]),
                (.cleanEnd, ["falsely_complete"]), (.wrongWord, ["wrong_text"]),
                (.merged, ["merged_chunks"]), (.refusal, ["buffered_stream", "status_500"]),
            ], every: 5))
    func worse(_ fault: WorseGateway.Fault, _ expected: [String]) throws {
        let report = try Self.report(fault)
        // One thread for each connection makes no fast gateway; its added time is not tested here.
        let names = report.faults(1).filter { fault == .sleep || $0 != "added_latency" }
        #expect(names == expected)
        #expect(report.faults(0).isEmpty)
        #expect(report.scenarios.count == 2)
        #expect(report.scenarios.allSatisfy { $0.measurements[0].verified > 5 })
        // An answer that does not verify is no sample.
        for result in report.scenarios {
            let via = result.measurements[1]
            #expect(via.total.count == via.verified)
            #expect(via.addedTotal.all.count <= min(via.verified, result.measurements[0].verified))
        }
    }

    @Test("in an open loop calls begin when they are due, and pair up all the same")
    func openLoop() throws {
        let report = try Self.report(.nothing, rate: 200) { $0.duration = .seconds(1) }
        #expect(report.scenarios.count == 2)
        for result in report.scenarios {
            let counts = result.measurements.map(\.verified)
            #expect(counts.allSatisfy { 80...110 ~= $0 }, "\(counts)")
            #expect(result.addedTotal(1) != nil)
        }
    }

    private static func eightAtOnce(seconds: Int64) throws -> BenchReport {
        try report(.nothing) { plan in
            plan.scenarios = [
                BenchPlan.Scenario(streams: false, connections: 8, script: "chunks=4")
            ]
            plan.duration = .seconds(seconds)
        }
    }

    /// Whether there were several rounds, with far more calls each than in the shortest slices.
    private static func isLong(_ report: BenchReport) -> Bool {
        let result = report.scenarios[0]
        return result.rounds > 1 && result.measurements[0].verified / result.rounds > 8 * 16
    }

    @Test(
        "several at once are kept in flight for slices that outlast a burst",
        .disabled(if: QuickRun.isOn, "three seconds of calls, as many as the cores make"))
    func severalAtOnce() throws {
        var report = try Self.eightAtOnce(seconds: 3)
        // A machine that is busy elsewhere makes fewer calls in a second, not in as many seconds as
        // it takes.
        for seconds in [10, 30] as [Int64] where !Self.isLong(report) {
            report = try Self.eightAtOnce(seconds: seconds)
        }
        let result = report.scenarios[0]
        // The slices grew; the edges do not count.
        #expect(report.faults(1).isEmpty && Self.isLong(report))
        let counted = result.measurements.reduce(0) { $0 + $1.verified }
        #expect(counted * 10 < report.calls * 9)
        let via = result.measurements[1]
        #expect(via.addedTotal.rounds.count == result.rounds)
        #expect((via.cpuPerCall ?? 0) > 0)
    }

    @Test("no more calls are made than were agreed to")
    func bound() throws {
        let report = try Self.report(.nothing) { plan in
            plan.callsMax = 60
            plan.isScripted = false
            plan.duration = .seconds(20)
        }
        #expect(report.calls <= 60 && report.isCutShort)
        #expect(report.scenarios[0].rounds > 10)
    }

    @Test("the report has every figure in text, in JSON and on a page of its own")
    func reports() throws {
        var report = try Self.report(.droppedChunk) { $0.idleStreams = 20 }
        report.command = "weir bench --via '<x>&y'"
        let text = report.text + report.plot
        for word in ["plain, 1 at once", "missing_chunk × ", "first content", "p99", "memory"] {
            #expect(text.contains(word), "\(word)")
        }
        let json = try JSONValue(parsing: "\(report.json)")
        #expect(json["scenarios"]?.elements?.count == 2)
        let via = json["targets"]?.elements?.last
        #expect(via?["faults"]?.elements?.map(\.text) == ["missing_chunk"])
        let plain = json["scenarios"]?.elements?.first?["targets"]?.elements?.last
        #expect((plain?["added_total_us"]?["median"]?.double ?? 0) > 0)
        #expect(plain?["cpu_us_per_call"]?.double != nil)
        #expect((plain?["total_us"]?["p50"]?.double ?? 0) > 0)
        let page = report.html
        #expect(page.contains("&lt;x&gt;&amp;y") && !page.contains("<x>"))
        #expect(!page.contains("<script") && !page.contains("http://") && !page.contains("NaN"))
        #expect(page.split(separator: "<svg").count == 1 + 3 + 4)
    }

    @Test("a vendor that does not answer ends it at once")
    func noVendor() throws {
        try #require(Self.isPrepared)
        let port = try ByteVendor.closedPort()
        let plan = BenchPlan(
            targets: [Self.target("direct", port), Self.target("via", port)],
            scenarios: [BenchPlan.Scenario(streams: false, connections: 1)])
        let error = #expect(throws: Bench.Failure.self) { try Bench.run(plan) { _ in } }
        #expect(error?.description.contains("CURLE_COULDNT_CONNECT") == true)
    }
}

@Suite("Answers to a benchmark")
struct AnswerTests {
    private static let words = ["The ", "quick ", "fox"]
    private static let stream = Array(
        (words.map { "data: {\"choices\":[{\"delta\":{\"content\":\"\($0)\"}}]}\n\n" }.joined()
            + "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
            .utf8)

    private static func heard(_ body: [UInt8]) -> HeardAnswer {
        var answer = Answer(nil, streams: true)
        answer.take(body.span, at: .now())
        _ = answer.end()
        return HeardAnswer(
            body: answer.bytes, contents: answer.contents, contentEnds: answer.contentEnds)
    }

    @Test(
        "are followed at any cut, the same bytes or only the same words"
    )
    func cuts() {
        let expectation = Self.heard(Self.stream)
        #expect(expectation.contents == Self.words)
        let respelled = Array(
            String(decoding: Self.stream, as: UTF8.self).replacing(":[{", with: ": [ {").utf8)
        for body in [Self.stream, respelled] {
            for pieces in ByteSplits.all(body) {
                var answer = Answer(expectation, streams: true)
                for (index, piece) in pieces.enumerated() {
                    answer.take(piece.span, at: Instant(nanoseconds: Int64(index)))
                }
                let fault = answer.end()
                let count = answer.contentTimes.count
                #expect(fault == nil && count == 3)
            }
        }
    }

    @Test("say what is wrong with them")
    func faults() {
        let expectation = Self.heard(Self.stream)
        let text = String(decoding: Self.stream, as: UTF8.self)
        let cases: [(String, Fault)] = [
            (text.replacing("data: [DONE]\n\n", with: ""), .missingTerminal),
            (text.replacing("quick ", with: "slow "), .wrongText),
            (
                text.replacing(
                    "data: {\"choices\":[{\"delta\":{\"content\":\"fox\"}}]}\n\n", with: ""),
                .missingChunk
            ),
            (text + "data: {\"error\":{\"message\":\"x\"}}\n\n", .errorEvent),
            (text.replacing("}\n\n", with: "\n\n"), .notACompletion), ("", .missingChunk),
        ]
        for (body, expected) in cases {
            var answer = Answer(expectation, streams: true)
            answer.take(Array(body.utf8).span, at: .now())
            let fault = answer.end()
            #expect(fault == expected, "\(body)")
        }
        for (body, expected) in [
            ("<html>", Fault.notACompletion), ("{\"choices\":[]}", .notACompletion),
            ("{\"choices\":[{\"message\":{\"content\":\"\"}}]}", .empty),
        ] {
            var answer = Answer(nil, streams: false)
            answer.take(Array(body.utf8).span, at: .now())
            let fault = answer.end()
            #expect(fault == expected)
        }
    }

    @Test("a median's range holds it, and is narrow where there is much")
    func estimates() throws {
        var random = RandomSource(seed: 9)
        func estimate(_ rounds: [[Int64]]) -> Estimate? {
            var differences = Differences()
            for round in rounds { differences.add(round) }
            return Estimate(differences)
        }
        #expect(estimate([1, 2, 3, 4, 5].map { [$0] }) == nil)
        var missed = 0
        for _ in 0..<200 {
            let values = (0..<400).map { _ in Int64.random(in: 0...2_000_000, using: &random) }
            let estimate = try #require(estimate(values.map { [$0] }))
            #expect(estimate.low <= estimate.median && estimate.median <= estimate.high)
            #expect(estimate.high - estimate.low < 300)
            if !(estimate.low...estimate.high ~= 1000) { missed += 1 }
        }
        // Five in a hundred are to be expected.
        #expect(missed < 25)
        // Rounds that differ from one another are not made equal by many calls in each.
        let apart = (0..<10).map { round in
            (0..<1000).map { _ in
                Int64(round) * 100_000 + Int64.random(in: 0...10_000, using: &random)
            }
        }
        let wide = try #require(estimate(apart))
        #expect(wide.low < 300 && wide.high > 600)
    }
}
