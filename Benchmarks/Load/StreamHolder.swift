import Primitives
import Reactor

/// Opens streams and keeps them open, as a busy gateway has them.
final class StreamHolder: DescriptorHandler, TurnHandler {
    private let loop: EventLoop
    private var waiting: Set<Int32> = []
    private var descriptors: [Int32] = []
    private var requests: [Int32: ByteBufferBox] = [:]
    private var input = ByteBuffer()
    /// Streams that began and have not ended.
    private(set) var held = 0
    /// Streams that did not begin or did not last.
    private(set) var lost = 0

    private final class ByteBufferBox {
        var buffer = ByteBuffer()
    }

    /// A holder of nothing.
    init() throws(SystemError) {
        loop = try EventLoop()
        loop.turnHandler = self
    }

    /// Opens so many streams, some at a time, and returns when each has sent its first bytes.
    func open(_ count: Int, _ target: LoadTarget, atOnce: Int = 64) throws {
        while descriptors.count < count {
            for _ in 0..<min(atOnce, count - descriptors.count) {
                let descriptor = try Socket.connect(to: target.address)
                descriptors.append(descriptor)
                let box = ByteBufferBox()
                box.buffer.append(text: target.requests[0])
                requests[descriptor] = box
                waiting.insert(descriptor)
                loop.watch(descriptor, for: .write, self)
            }
            loop.resume()
            loop.run()
        }
    }

    /// Ends all streams.
    func close() {
        for descriptor in descriptors {
            loop.forget(descriptor)
            Socket.close(descriptor)
        }
        descriptors = []
    }

    /// Sends a request, or notes that a stream began or ended.
    func descriptorReady(_ descriptor: Int32, _ readiness: Readiness) {
        if let box = requests[descriptor], readiness.contains(.write) {
            _ = Socket.send(descriptor, from: &box.buffer)
            if box.buffer.isEmpty {
                requests[descriptor] = nil
                loop.watch(descriptor, for: .read, self)
            }
            return
        }
        switch Socket.receive(descriptor, into: &input, room: 64 << 10) {
        case .moved:
            input.removeAll()
            if waiting.remove(descriptor) != nil { held += 1 }
        case .wouldBlock:
            return
        case .closed, .failed:
            loop.unwatch(descriptor)
            if waiting.remove(descriptor) == nil { held -= 1 }
            lost += 1
        }
        if waiting.isEmpty { loop.stop() }
    }

    /// Nothing waits for the end of a turn.
    var hasPendingWork: Bool { false }

    /// Nothing is done at the end of a turn.
    func turnEnded() {}
}
