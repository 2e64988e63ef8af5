import Cryptography
import ExchangeCore
import HTTP
import Primitives
import Reactor
import Transfers

/// Sends one request and waits for its answer, on a connection of its own: for threads that may
/// wait.
final class Enquirer: TransferDelegate, TurnHandler, TimerHandler {
    /// How much of an answer is waited for.
    struct Bounds {
        var time = Interval.seconds(60)
        var bytes = 64 << 20
    }

    private let loop: EventLoop
    private let lanes: Lanes
    private let bounds: Bounds
    private var transfer: Transfer?
    private var answer = Reply()
    private let began = Instant.now()

    private init(_ bounds: Bounds) throws(SystemError) {
        self.bounds = bounds
        loop = try EventLoop()
        lanes = Lanes(loop: loop)
        loop.turnHandler = self
    }

    /// Sends a request to a server.
    static func send(
        _ call: Enquiry, to origin: Endpoint.Origin, trust: TrustStore?, proxy: Proxy? = nil,
        _ bounds: Bounds = Bounds()
    ) throws(SystemError) -> Reply {
        let client = try Enquirer(bounds)
        guard
            let endpoint = Endpoint(
                name: "enquiry", origin: origin, index: 0, trust: trust, addresses: nil,
                proxy: proxy),
            let transfer = client.lanes.makeTransfer(to: endpoint)
        else {
            client.answer.fault = "the address cannot be asked"
            return client.answer
        }
        client.run(call, transfer)
        return client.answer
    }

    private func run(_ call: Enquiry, _ transfer: Transfer) {
        transfer.target.append(text: call.path)
        for field in call.fields { transfer.headers.add(name: field.name, value: field.value) }
        var body = RequestBody.none
        if call.isHandshake {
            body = .tunnel
        } else if !call.body.isEmpty {
            var bytes = ByteBuffer()
            bytes.append(call.body.span)
            body = .bytes(KeptBody(bytes))
        }
        transfer.prepare(method: call.method, body: body, connectTimeout: .seconds(10))
        if let result = lanes.start(transfer, delegate: self) {
            answer.fault = result.code.explained
            return
        }
        self.transfer = transfer
        let timer = loop.timers.create(self)
        loop.timers.arm(timer, at: loop.now + bounds.time)
        loop.run()
        loop.timers.destroy(timer)
        answer.took = Instant.now() - began
    }

    var hasPendingWork: Bool { lanes.hasDueLanes }

    func turnEnded() {
        lanes.runDueLanes()
        // The head of a switch is all that is wanted of a WebSocket.
        if answer.status == 101 { return giveUp("") }
        if answer.body.count > bounds.bytes { giveUp("more than \(bounds.bytes) bytes") }
    }

    func timerFired(_ timer: TimerWheel.Timer) {
        giveUp("no end of it after \(bounds.time)")
    }

    private func giveUp(_ fault: String) {
        guard let transfer else { return }
        answer.fault = fault
        self.transfer = nil
        lanes.cancel(transfer)
        loop.stop()
    }

    func transferReceivedHead(_ transfer: Transfer) {
        answer.status = transfer.head.status
        var lines = ByteBuffer()
        if transfer.head.switchesProtocol { transfer.head.writeSwitch(to: &lines) }
        transfer.head.writeFields(to: &lines)
        answer.fields = lines.bytes.text.split(separator: "\r\n").map { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            let value = parts.count > 1 ? parts[1].drop { $0 == " " } : ""
            return (String(parts[0]), String(value))
        }
    }

    func transfer(_ transfer: Transfer, received bytes: Span<UInt8>) {
        answer.pieces.append(Instant.now() - began)
        answer.body.append(bytes)
    }

    func transfer(_ transfer: Transfer, fill space: UnsafeMutableRawBufferPointer) -> UploadPiece {
        transfer.head.isComplete ? .end : .notYet
    }

    func transferEnded(_ transfer: Transfer, _ result: TransferResult) {
        self.transfer = nil
        if result.code != .ok {
            answer.fault = result.detail.isEmpty ? result.code.explained : result.detail
        }
        loop.stop()
    }
}
