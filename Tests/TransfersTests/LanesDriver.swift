import Cryptography
import ExchangeCore
import HTTP
import Primitives
import Reactor
import Testing

@testable import Transfers

/// Runs a loop with lanes until something holds, and remembers how transfers ended.
final class LanesDriver: TurnHandler, TimerHandler, TransferDelegate {
    let loop: EventLoop
    let lanes: Lanes
    private(set) var results: [TransferResult] = []
    /// The bodies' bytes that came, of all transfers.
    private(set) var received = 0
    /// Called where a transfer's head is whole, from inside libcurl.
    var headCame: (Transfer) -> Void = { _ in }
    /// Called for each piece of a body, from inside libcurl.
    var bodyCame: (Transfer) -> Void = { _ in }
    /// What a streamed upload has to give.
    var upload: () -> UploadPiece = { .end }
    /// Called at each end, after it is remembered.
    var transferIsOver: (Transfer) -> Void = { _ in }
    private var isOver: () -> Bool = { true }
    private var isLate = false

    init() throws {
        loop = try EventLoop()
        lanes = Lanes(loop: loop)
        loop.turnHandler = self
    }

    var hasPendingWork: Bool { lanes.hasDueLanes }

    func turnEnded() {
        lanes.runDueLanes()
        if isOver() || isLate { loop.stop() }
    }

    func timerFired(_ timer: TimerWheel.Timer) { isLate = true }

    func run(until condition: @escaping () -> Bool) throws {
        // It is asked at the end of a turn, and nothing may be left that begins one.
        guard !condition() else { return }
        let timer = loop.timers.create(self)
        defer { loop.timers.destroy(timer) }
        loop.timers.arm(timer, at: Instant.now() + .seconds(30))
        isOver = condition
        loop.resume()
        loop.run()
        try #require(!isLate, "what was awaited did not come")
    }

    /// Starts a request; the transfer is the lanes' from here on.
    @discardableResult
    func start(
        _ endpoint: Endpoint, _ target: String = "/", method: Method = .get,
        body: RequestBody = .none, fields: [(String, String)] = [], isFresh: Bool = false,
        connectTimeout: Interval = .seconds(20)
    ) throws -> Transfer {
        var isTunnel = false
        if case .tunnel = body { isTunnel = true }
        let transfer = try #require(lanes.makeTransfer(to: endpoint, isTunnel: isTunnel))
        transfer.target.append(text: target)
        for (name, value) in fields { transfer.headers.add(name: name, value: value) }
        transfer.needsFreshConnection = isFresh
        transfer.prepare(method: method, body: body, connectTimeout: connectTimeout)
        #expect(lanes.start(transfer, delegate: self) == nil)
        return transfer
    }

    /// Sends a request and waits for its end.
    func exchange(
        _ endpoint: Endpoint, _ target: String = "/", method: Method = .get,
        body: RequestBody = .none, fields: [(String, String)] = [], isFresh: Bool = false
    ) throws -> TransferResult {
        let before = results.count
        try start(
            endpoint, target, method: method, body: body, fields: fields, isFresh: isFresh)
        try run { self.results.count > before }
        return try #require(results.last)
    }

    func transferReceivedHead(_ transfer: Transfer) { headCame(transfer) }

    func transfer(_ transfer: Transfer, received bytes: Span<UInt8>) {
        received += bytes.count
        bodyCame(transfer)
    }

    func transfer(
        _ transfer: Transfer, fill space: UnsafeMutableRawBufferPointer
    ) -> UploadPiece {
        let piece = upload()
        if case .bytes(let count) = piece {
            for index in 0..<count { unsafe space[index] = UInt8(ascii: "x") }
        }
        return piece
    }

    func transferEnded(_ transfer: Transfer, _ result: TransferResult) {
        results.append(result)
        transferIsOver(transfer)
    }
}

extension Endpoint {
    /// An endpoint of a test: a vendor that is known by a name, with these addresses.
    static func test(
        _ addresses: [String] = ["127.0.0.1"], port: Int, index: Int = 0, trust: TrustStore? = nil
    ) throws -> Endpoint {
        let book = try AddressBook(hosts: ["vendor.test"]) { _ in .success(addresses) }
        _ = book.refresh()
        return try #require(
            Endpoint(
                name: "v", origin: Origin(scheme: "http", host: "vendor.test", port: port),
                index: index, trust: trust, addresses: book.entry(for: "vendor.test")))
    }
}
