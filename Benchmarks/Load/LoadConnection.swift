import Primitives
import Reactor

/// One connection per target, used in turn.
final class LoadConnection: DescriptorHandler {
    private let client: LoadClient
    private let targets: [LoadTarget]
    /// Counts the connections: it says which of a target's requests this one sends.
    private let number: Int
    private var descriptors: [Int32]
    private var current = 0
    private var round = 0
    private var step = 0
    private var reader = ResponseReader()
    private var output = ByteBuffer()
    private var input = ByteBuffer()
    private var sentAt = Instant.now()
    private var firstByteAt: Instant?
    private var firstContentAt: Instant?
    /// Bytes of the scripted vendor's opening event are fewer: what comes after them is content.
    private static let openingBytesMax = 260

    init(_ client: LoadClient, targets: [LoadTarget], number: Int) {
        self.client = client
        self.targets = targets
        self.number = number
        descriptors = targets.map { _ in -1 }
    }

    func begin() {
        if step == 0, !client.take() {
            for descriptor in descriptors where descriptor >= 0 {
                client.loop.forget(descriptor)
                Socket.close(descriptor)
            }
            return client.ended()
        }
        current = (round + step) % targets.count
        reader = ResponseReader()
        firstByteAt = nil
        firstContentAt = nil
        output.removeAll()
        let requests = targets[current].requests
        let variant = number + (client.changesFields ? round : 0)
        output.append(text: requests[variant % requests.count])
        if descriptors[current] < 0 {
            guard let descriptor = try? Socket.connect(to: targets[current].address) else {
                return fail("connect")
            }
            descriptors[current] = descriptor
            sentAt = Instant.now()
            client.loop.watch(descriptor, for: [.write], self)
        } else {
            sentAt = Instant.now()
            send()
        }
    }

    private func send() {
        let descriptor = descriptors[current]
        switch Socket.send(descriptor, from: &output) {
        case .moved, .wouldBlock:
            client.loop.watch(descriptor, for: output.isEmpty ? .read : [.read, .write], self)
        case .closed, .failed:
            fail("send")
        }
    }

    func descriptorReady(_ descriptor: Int32, _ readiness: Readiness) {
        guard descriptor == descriptors[current] else {
            // An idle connection of another target was closed by its peer.
            if let index = descriptors.firstIndex(of: descriptor) { drop(index) }
            return
        }
        if readiness.contains(.write), !output.isEmpty {
            guard Socket.pendingError(descriptor) == 0 else { return fail("connect") }
            send()
        }
        guard descriptors[current] == descriptor, readiness != .write else { return }
        switch Socket.receive(descriptor, into: &input, room: 256 << 10) {
        case .moved:
            if firstByteAt == nil { firstByteAt = Instant.now() }
            reader.take(input.bytes)
            if firstContentAt == nil, reader.bodyBytes > Self.openingBytesMax {
                firstContentAt = Instant.now()
            }
            input.removeAll()
            if reader.state == .complete {
                succeed()
            } else if reader.state == .broken {
                fail("framing")
            }
        case .wouldBlock: break
        case .closed: fail(firstByteAt == nil ? "closed" : "truncated")
        case .failed: fail(firstByteAt == nil ? "reset" : "truncated")
        }
    }

    private func succeed() {
        let now = Instant.now()
        let target = targets[current]
        if reader.status != target.status {
            client.record(current) { $0.errors["status \(reader.status)", default: 0] += 1 }
        } else if target.needsDone, !reader.sawDone {
            client.record(current) { $0.errors["no [DONE]", default: 0] += 1 }
        } else {
            let first = firstByteAt ?? now
            client.record(current) { result in
                result.firstByte.append((first - sentAt).nanoseconds)
                result.firstContent.append(((firstContentAt ?? now) - sentAt).nanoseconds)
                result.total.append((now - sentAt).nanoseconds)
                result.chunks += reader.chunkCount
                result.bytes += reader.bodyBytes
            }
        }
        if !reader.keepsAlive { drop(current) }
        next()
    }

    private func fail(_ kind: String) {
        client.record(current) { $0.errors[kind, default: 0] += 1 }
        drop(current)
        next()
    }

    private func next() {
        step += 1
        if step == targets.count {
            step = 0
            round += 1
        }
        begin()
    }

    private func drop(_ index: Int) {
        guard descriptors[index] >= 0 else { return }
        client.loop.forget(descriptors[index])
        Socket.close(descriptors[index])
        descriptors[index] = -1
    }
}
