import Primitives
import Reactor

/// Streams that are renewed as they end, and calls at a rate that does not wait for answers: what a
/// gateway has in front of it while it is upgraded.
final class SustainedLoad: TurnHandler, TimerHandler {
    /// What is asked for.
    struct Plan {
        var streams: Int
        /// Calls a second.
        var rate: Int
        var call: LoadTarget
        /// Streams of several lengths.
        var kinds: [LoadTarget]
    }

    /// An answer that did not come, or not to its end.
    struct Failure {
        let isStream: Bool
        let kind: String
        /// The client's own port.
        let port: Int
        let at: Interval
    }

    private static let interval = Interval.milliseconds(5)
    /// Streams begun in one interval.
    private static let beginsMax = 20
    /// Calls that wait for their answers, at most: a load is no flood.
    private static let callsMax = 4000

    let loop: EventLoop
    private let plan: Plan
    private var random = RandomSource(seed: 20)
    private var resting: [SustainedClient] = []
    private var clients: [ObjectIdentifier: SustainedClient] = [:]
    private var openStreams = 0
    private var openCalls = 0
    private var begunCalls = 0
    private var skippedCalls = 0
    private var calls = 0
    private var streams = 0
    private var chunks = 0
    private var times: [Int64] = []
    private var failures: [Failure] = []
    private var begunStreams = 0
    private var isEnding = false
    private var ready: (() -> Void)?
    private let start = Instant.now()
    private var timer: TimerWheel.Timer?

    init(_ plan: Plan) throws(SystemError) {
        self.plan = plan
        loop = try EventLoop()
        loop.turnHandler = self
        timer = loop.timers.create(self)
    }

    /// Runs until ``end()`` and the last answer; `ready` is called once all streams have begun.
    func run(ready: @escaping () -> Void) {
        self.ready = ready
        if let timer { loop.timers.arm(timer, at: loop.now + Self.interval) }
        loop.run()
    }

    /// Begins nothing more.
    func end() {
        isEnding = true
        for client in resting { client.close() }
        resting = []
        stopIfOver()
    }

    func timerFired(_ timer: TimerWheel.Timer) {
        guard !isEnding else { return }
        loop.timers.arm(timer, at: loop.now + Self.interval)
        for _ in 0..<min(Self.beginsMax, plan.streams - openStreams) { beginStream(nil) }
        let due = Int(Double(plan.rate) * (loop.now - start).seconds)
        while begunCalls < due {
            begunCalls += 1
            guard openCalls < Self.callsMax else {
                skippedCalls += 1
                continue
            }
            openCalls += 1
            begin(resting.popLast() ?? SustainedClient(self), plan.call, isStream: false)
        }
    }

    private func beginStream(_ client: SustainedClient?) {
        guard let kind = plan.kinds.randomElement(using: &random) else { return }
        openStreams += 1
        begin(client ?? SustainedClient(self), kind, isStream: true)
    }

    private func begin(_ client: SustainedClient, _ target: LoadTarget, isStream: Bool) {
        clients[ObjectIdentifier(client)] = client
        client.begin(target, isStream: isStream)
    }

    /// The first byte of a stream has come.
    func streamBegan() {
        begunStreams += 1
        guard begunStreams == plan.streams else { return }
        ready?()
        ready = nil
    }

    func succeeded(_ client: SustainedClient, isStream: Bool, took: Interval, chunks: Int) {
        if isStream {
            streams += 1
            self.chunks += chunks
        } else {
            calls += 1
            times.append(took.nanoseconds)
        }
        // Every other connection is used again.
        let isUsedAgain = !isEnding && client.canGoOn && (calls + streams) % 2 == 0
        if !isUsedAgain { client.close() }
        ended(client, isStream: isStream)
        if isUsedAgain, isStream { return beginStream(client) }
        if isUsedAgain { resting.append(client) }
    }

    func failed(_ client: SustainedClient, isStream: Bool, _ kind: String) {
        failures.append(
            Failure(
                isStream: isStream, kind: kind, port: client.port, at: Instant.now() - start))
        client.close()
        ended(client, isStream: isStream)
    }

    /// A resting connection was closed by its peer.
    func closed(_ client: SustainedClient) { resting.removeAll { $0 === client } }

    private func ended(_ client: SustainedClient, isStream: Bool) {
        clients[ObjectIdentifier(client)] = nil
        if isStream { openStreams -= 1 } else { openCalls -= 1 }
        stopIfOver()
    }

    private func stopIfOver() {
        if isEnding, clients.isEmpty { loop.stop() }
    }

    /// What it came to, as JSON.
    var report: String {
        let listed = failures.map { failure in
            "{\"stream\":\(failure.isStream),\"kind\":\"\(failure.kind)\","
                + "\"port\":\(failure.port),\"at\":\(failure.at.seconds)}"
        }
        let points = [0.5, 0.99, 1].map { "\(LoadResult.percentile(times, $0))" }
        return """
            {"streams":\(streams),"chunks":\(chunks),"calls":\(calls),"skipped":\(skippedCalls),\
            "seconds":\((Instant.now() - start).seconds),\
            "call_ns":[\(points.joined(separator: ","))],\
            "failures":[\(listed.joined(separator: ","))]}
            """
    }

    /// Nothing waits for the end of a turn.
    var hasPendingWork: Bool { false }

    /// Nothing is done at the end of a turn.
    func turnEnded() {}
}
