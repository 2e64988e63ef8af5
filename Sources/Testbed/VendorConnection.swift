import Cryptography
import HTTP
import JSON
import Primitives
import Reactor

/// One connection to the scripted vendor: reads a request, then plays its script.
final class VendorConnection: DescriptorHandler, TimerHandler {
    private enum Phase: String {
        case connected, uploading, waiting, streaming
    }

    /// Bodies beyond this are digested and not kept.
    private static let keptBodyBytes = 4 << 20

    let server: VendorServer
    private let descriptor: Int32
    private let parser = RequestParser()
    private var input = ByteBuffer()
    /// The end of an answer whose last bytes the socket has not taken yet.
    private var owed: AnswerPlayer.Step?
    private var output = ByteBuffer()
    private var timer: TimerWheel.Timer?
    private var phase = Phase.connected
    private var digest = Digest()
    private var bodyBytes = 0
    private var keptBody = ByteBuffer()
    private var number = 0
    private var player: AnswerPlayer?
    private var isClosed = false
    private var isWatchingWrites = false
    /// Whether the next step is due at a time.
    private var isWaiting = false

    init(_ server: VendorServer, _ descriptor: Int32) {
        self.server = server
        self.descriptor = descriptor
        timer = server.loop.timers.create(self)
        server.loop.watch(descriptor, for: [.read, .peerClose], self)
    }

    func descriptorReady(_ descriptor: Int32, _ readiness: Readiness) {
        if player != nil, !readiness.isDisjoint(with: .closed) { return clientGone() }
        if readiness.contains(.write) { isWaiting ? send() : play() }
        guard !isClosed, !readiness.isDisjoint(with: [.read, .closed]) else { return }
        let outcome = Socket.receive(descriptor, into: &input, room: 256 << 10)
        switch outcome {
        case .moved: if player == nil { parse() }
        case .wouldBlock: break
        case .closed, .failed: clientGone()
        }
    }

    func timerFired(_ timer: TimerWheel.Timer) {
        isWaiting = false
        play()
    }

    private func parse() {
        while player == nil, !isClosed {
            let (count, progress) = parser.parse(input.bytes)
            input.consume(count)
            switch progress {
            case .incomplete:
                takeBody()
                return
            case .head:
                phase = .uploading
                server.statistics.requestCount += 1
                number = server.statistics.requestCount
                if parser.head.expectsContinue { output.append("HTTP/1.1 100 Continue\r\n\r\n") }
                send()
            case .message:
                takeBody()
                requestArrived()
            case .malformed(let malformation):
                output.append(text: "HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n")
                output.append(text: "\(malformation)")
                send()
                close()
            }
        }
    }

    private func takeBody() {
        guard !parser.body.isEmpty else { return }
        bodyBytes += parser.body.count
        parser.withBody { body in
            digest.add(body.bytes)
            if keptBody.count < Self.keptBodyBytes { keptBody.append(body.bytes) }
        }
        parser.body.removeAll()
    }

    private func requestArrived() {
        let path = parser.withHead { $0.path.text }
        if path == "/stats" || path == "/stats/reset" {
            if path == "/stats/reset" { server.statistics.reset() }
            server.statistics.requestCount -= path == "/stats" ? 1 : 0
            return start(AnswerPlayer(.json(server.statistics.json), VendorScript("")))
        }
        let (target, fields) = parser.withHead { head in
            (
                head.target.text,
                head.fields.map { (head.name(of: $0).text, head.value(of: $0).text) }
            )
        }
        server.statistics.add(
            VendorStatistics.Request(
                number: number, method: parser.head.method.name, target: target,
                fields: fields, bodyBytes: bodyBytes, bodyDigest: digest.finish()
            )
        )
        let body = try? JSONValue(parsing: keptBody.bytes)
        let script = VendorScript(head: parser.head, body: body)
        let answer = VendorAnswer.make(head: parser.head, body: body, script: script)
        var player = AnswerPlayer(answer, script)
        player.isHeadRequest = parser.head.method == .head
        start(player)
    }

    private func start(_ player: AnswerPlayer) {
        self.player = player
        phase = .waiting
        play()
    }

    /// Plays as far as the script and the socket allow.
    private func play() {
        // What the socket did not take of an earlier step goes first.
        send()
        while !isClosed, output.isEmpty, var current = player {
            let step = owed ?? current.next(into: &output)
            owed = nil
            player = current
            if !output.isEmpty { phase = .streaming }
            send()
            guard !isClosed else { return }
            switch step {
            case .more:
                continue
            case .wait(let milliseconds):
                isWaiting = true
                if let timer {
                    server.loop.timers.arm(timer, at: server.loop.now + .milliseconds(milliseconds))
                }
                return
            case .forever:
                return
            case .done, .close:
                guard output.isEmpty else { return owed = step }
                if case .close = step { return close() }
                return finish()
            case .reset:
                Socket.resetOnClose(descriptor)
                return close()
            }
        }
    }

    private func finish() {
        player = nil
        phase = .connected
        digest = Digest()
        bodyBytes = 0
        keptBody.release()
        guard parser.head.keepsAlive else { return close() }
        parser.next()
        if !input.isEmpty { parse() }
    }

    private func send() {
        guard !output.isEmpty else { return setWatch(writes: false) }
        switch Socket.send(descriptor, from: &output) {
        case .moved, .wouldBlock: setWatch(writes: !output.isEmpty)
        case .closed, .failed: clientGone()
        }
    }

    private func setWatch(writes: Bool) {
        guard writes != isWatchingWrites, !isClosed else { return }
        isWatchingWrites = writes
        let interest: Interest = writes ? [.read, .peerClose, .write] : [.read, .peerClose]
        server.loop.watch(descriptor, for: interest, self)
    }

    private func clientGone() {
        guard !isClosed else { return }
        if phase != .connected || parser.isMidRequest {
            server.statistics.add(
                VendorStatistics.Disconnect(
                    request: number, phase: phase.rawValue, chunks: player?.contentSent ?? 0,
                    atNanoseconds: Instant.now().nanoseconds
                )
            )
        }
        close()
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        if let timer { server.loop.timers.destroy(timer) }
        timer = nil
        server.loop.forget(descriptor)
        Socket.close(descriptor)
        server.closed(self)
    }
}
