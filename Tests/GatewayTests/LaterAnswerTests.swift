import Config
import Gateway
import HTTP
import Logging
import Reactor
import Routing
import Support
import Synchronization
import Telemetry
import Testing
import Transfers

/// A worker that answers by itself, and keeps the answers that it gives later.
private final class KeepingPages: Sendable {
    let port: Int
    let answers = Answers()
    private let mailbox: Mailbox<WorkerOrder>
    private let thread: Reactor.Thread

    final class Answers: Sendable {
        private let kept = Mutex<[LaterAnswer]>([])
        var all: [LaterAnswer] { kept.withLock { $0 } }
        func append(_ answer: LaterAnswer) { kept.withLock { $0.append(answer) } }
    }

    private final class Keeping: Responder {
        let answers: Answers

        init(_ answers: Answers) {
            self.answers = answers
        }

        func respond(
            to head: borrowing RequestHead, body: Span<UInt8>, later: () -> LaterAnswer?
        ) -> LocalResponse? {
            if let answer = later() { answers.append(answer) }
            return nil
        }
    }

    init() throws {
        let address = try #require(SocketAddress("127.0.0.1:0"))
        let descriptor = try Socket.listen(on: address, reusePort: false)
        port = try SocketAddress(boundTo: descriptor).port
        let slot = LoopOwned<Worker>()
        let mailbox = try Mailbox<WorkerOrder> { slot.value?.obey($0) }
        self.mailbox = mailbox
        let answers = answers
        thread = try Reactor.Thread(name: "keeping") {
            guard let loop = try? EventLoop() else { return }
            mailbox.open(on: loop)
            var none = Configuration()
            none.vendors = []
            let settings = WorkerSettings(
                server: none.server,
                admission: Admission(connectionsMax: 64, bodies: BodyBudget(bytesMax: 1 << 20)),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            let worker = Worker(
                settings: settings, metrics: WorkerMetrics(vendors: []), loop: loop,
                snapshot: SnapshotPlan(
                    routing: RoutingTable(none), health: Health(targetCount: 0), endpoints: []),
                responder: Keeping(answers))
            slot.value = worker
            worker.listen(on: descriptor, onLoopback: true)
            withExtendedLifetime(worker) { loop.run() }
        }
    }

    deinit {
        mailbox.post(.stop)
        thread.join()
    }

    /// A client that has asked.
    func ask() throws -> RawConnection {
        let client = try RawConnection(port: port)
        let count = answers.all.count
        try client.send("GET /api/calls HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try #require(Patience.await { answers.all.count > count })
        return client
    }
}

@Suite("Answers that come later")
struct LaterAnswerTests {
    @Test("are not wanted any more once a client has gone, which the next question finds out")
    func gone() throws {
        let pages = try KeepingPages()
        let first = try pages.ask()
        let second = try pages.ask()
        first.close()
        // Another question comes after the end was seen, however long that takes.
        let isFound = try Patience.await {
            try pages.ask().close()
            return pages.answers.all[0].isUnwanted
        }
        #expect(isFound && !pages.answers.all[1].isUnwanted)
        pages.answers.all[1].give(
            .whole(LocalResponse(status: 200, contentType: "text/plain", body: "here\n")))
        #expect(try second.take(through: "here\n").contains(" 200 "))
    }
}
