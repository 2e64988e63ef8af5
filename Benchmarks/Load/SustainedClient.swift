import Primitives
import Reactor

/// A client of a sustained load: one connection, one request at a time.
final class SustainedClient: DescriptorHandler {
    private unowned let load: SustainedLoad
    private var descriptor: Int32 = -1
    private(set) var port = 0
    private var target: LoadTarget?
    private var isStream = false
    private var isAwaited = false
    private var hasBegun = false
    private var reader = ResponseReader()
    private var output = ByteBuffer()
    private var input = ByteBuffer()
    private var sentAt = Instant.now()

    init(_ load: SustainedLoad) { self.load = load }

    /// Whether the server keeps the connection.
    var canGoOn: Bool { descriptor >= 0 && reader.keepsAlive }

    func begin(_ target: LoadTarget, isStream: Bool) {
        self.target = target
        self.isStream = isStream
        isAwaited = true
        hasBegun = false
        reader = ResponseReader()
        output.removeAll()
        output.append(text: target.requests[0])
        sentAt = Instant.now()
        if descriptor >= 0 { return send() }
        do {
            descriptor = try Socket.connect(to: target.address)
            port = try SocketAddress(boundTo: descriptor).port
        } catch {
            return load.failed(self, isStream: isStream, "connect: \(error)")
        }
        load.loop.watch(descriptor, for: [.write], self)
    }

    func close() {
        guard descriptor >= 0 else { return }
        load.loop.forget(descriptor)
        Socket.close(descriptor)
        descriptor = -1
    }

    private func send() {
        switch Socket.send(descriptor, from: &output) {
        case .moved, .wouldBlock:
            load.loop.watch(descriptor, for: output.isEmpty ? .read : [.read, .write], self)
        case .closed, .failed: fail("send")
        }
    }

    func descriptorReady(_ descriptor: Int32, _ readiness: Readiness) {
        guard isAwaited else {
            close()
            return load.closed(self)
        }
        if readiness.contains(.write), !output.isEmpty {
            guard Socket.pendingError(descriptor) == 0 else { return fail("connect") }
            send()
        }
        guard isAwaited, self.descriptor == descriptor, readiness != .write else { return }
        switch Socket.receive(descriptor, into: &input, room: 64 << 10) {
        case .moved: take()
        case .wouldBlock: break
        case .closed: fail(hasBegun ? "cut" : "closed")
        case .failed: fail(hasBegun ? "cut" : "reset")
        }
    }

    private func take() {
        if !hasBegun {
            hasBegun = true
            if isStream { load.streamBegan() }
        }
        reader.take(input.bytes)
        input.removeAll()
        if reader.state == .broken { return fail("framing") }
        guard reader.state == .complete, let target else { return }
        guard reader.status == target.status else { return fail("status \(reader.status)") }
        guard !target.needsDone || reader.sawDone else { return fail("cut") }
        isAwaited = false
        load.succeeded(
            self, isStream: isStream, took: Instant.now() - sentAt, chunks: reader.chunkCount)
    }

    private func fail(_ kind: String) {
        isAwaited = false
        load.failed(self, isStream: isStream, kind)
    }
}
