import Primitives
import Reactor

/// A closed-loop load: each connection sends its next request when the last answer is whole.
final class LoadClient: TurnHandler {
    /// When a load ends.
    enum Extent: Sendable {
        case requests(Int)
        case duration(Interval)
    }

    let loop: EventLoop
    /// Whether each request of a connection has another field than the one before.
    let changesFields: Bool
    private let targets: [LoadTarget]
    private let extent: Extent
    private var clients: [LoadConnection] = []
    private var results: [LoadResult]
    private var begun = 0
    private var active = 0
    private let start = Instant.now()

    private init(
        targets: [LoadTarget], extent: Extent, changesFields: Bool
    ) throws(SystemError) {
        loop = try EventLoop()
        self.changesFields = changesFields
        self.targets = targets
        self.extent = extent
        results = targets.map { _ in LoadResult() }
        loop.turnHandler = self
    }

    /// Runs a load on the calling thread.
    ///
    /// With several targets each round asks every one of them once, one after the other, in an
    /// order that turns.
    static func run(
        _ targets: [LoadTarget], connections: Int, extent: Extent, changesFields: Bool = false
    ) throws -> [LoadResult] {
        let client = try LoadClient(
            targets: targets, extent: extent, changesFields: changesFields)
        for number in 0..<connections {
            client.active += 1
            let connection = LoadConnection(client, targets: targets, number: number)
            client.clients.append(connection)
        }
        for connection in client.clients { connection.begin() }
        client.loop.run()
        for index in client.results.indices {
            client.results[index].elapsed = Instant.now() - client.start
        }
        return client.results
    }

    /// Whether another request may begin.
    func take() -> Bool {
        switch extent {
        case .requests(let count):
            guard begun < count else { return false }
        case .duration(let interval):
            guard Instant.now() - start < interval else { return false }
        }
        begun += 1
        return true
    }

    func record(_ target: Int, _ change: (inout LoadResult) -> Void) {
        change(&results[target])
    }

    func ended() {
        active -= 1
        if active == 0 { loop.stop() }
    }

    /// Nothing waits for the end of a turn.
    var hasPendingWork: Bool { false }

    /// Nothing is done at the end of a turn.
    func turnEnded() {}
}
