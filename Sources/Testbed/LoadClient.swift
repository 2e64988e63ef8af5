public import Primitives
public import Reactor

/// Reads HTTP/1.1 responses as a client that trusts nothing: status, body and whether it was whole.
struct ResponseReader: ~Copyable {
    enum State: Equatable {
        case head, length(Int), chunkSize, chunkData(Int), chunkEnd, trailer, complete, broken
    }

    private(set) var state = State.head
    private(set) var status = 0
    private(set) var bodyBytes = 0
    private(set) var chunkCount = 0
    private(set) var keepsAlive = true
    private var line = ByteBuffer()
    private var length: Int?
    private var isChunked = false
    /// The last bytes of the body.
    private var tail: [UInt8] = []

    /// Takes bytes; what follows a complete response is broken.
    mutating func take(_ bytes: Span<UInt8>) {
        var index = 0
        while index < bytes.count {
            switch state {
            case .length(let left), .chunkData(let left):
                let count = min(left, bytes.count - index)
                noteBody(bytes.extracting(index..<index + count))
                index += count
                advance(left - count)
            case .complete:
                state = .broken
                return
            case .broken:
                return
            default:
                let byte = bytes[index]
                index += 1
                if byte == 0x0A { endLine() } else if byte != 0x0D { line.append(byte: byte) }
            }
        }
    }

    private mutating func noteBody(_ bytes: Span<UInt8>) {
        bodyBytes += bytes.count
        // Pieces may be cut anywhere, so the end is matched byte by byte.
        let start = max(0, bytes.count - Self.terminal.count)
        for index in start..<bytes.count {
            tail.append(bytes[index])
        }
        if tail.count > Self.terminal.count { tail.removeFirst(tail.count - Self.terminal.count) }
    }

    /// Whether `[DONE]` stands at the end of the body.
    var sawDone: Bool { tail == Self.terminal }

    private static let terminal = Array("data: [DONE]\n\n".utf8)

    private mutating func advance(_ left: Int) {
        if case .length = state { state = left == 0 ? .complete : .length(left) }
        if case .chunkData = state { state = left == 0 ? .chunkEnd : .chunkData(left) }
    }

    private mutating func endLine() {
        defer { line.removeAll() }
        switch state {
        case .head: headLine()
        case .chunkSize:
            var size = 0
            for index in 0..<line.count {
                let digit = line.bytes[index].lowercased
                switch digit {
                case 0x30...0x39: size = size * 16 + Int(digit - 0x30)
                case 0x61...0x66: size = size * 16 + Int(digit - 0x61) + 10
                default: state = .broken
                }
            }
            guard state != .broken, !line.isEmpty else { return state = .broken }
            if size > 0 { chunkCount += 1 }
            state = size == 0 ? .trailer : .chunkData(size)
        case .chunkEnd: state = line.isEmpty ? .chunkSize : .broken
        case .trailer: if line.isEmpty { state = .complete }
        default: break
        }
    }

    private mutating func headLine() {
        if line.isEmpty {
            if status < 200 { return status = 0 }
            state = isChunked ? .chunkSize : length == 0 ? .complete : .length(length ?? .max)
            return
        }
        guard status != 0 else {
            guard line.count >= 12 else { return state = .broken }
            return status = line.bytes(9..<12).decimal ?? 0
        }
        switch Self.field(line.bytes) {
        case .length(let count): length = count
        case .chunked: isChunked = true
        case .close: keepsAlive = false
        case .other: break
        case .none: state = .broken
        }
    }

    private enum Field {
        case length(Int), chunked, close, other
    }

    private static func field(_ line: Span<UInt8>) -> Field? {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        let name = line.extracting(0..<colon)
        let value = line.extracting(colon + 1..<line.count).trimmed
        if name.matchesIgnoringCase("content-length") { return value.decimal.map(Field.length) }
        if name.matchesIgnoringCase("transfer-encoding") { return .chunked }
        if name.matchesIgnoringCase("connection"), value.matchesIgnoringCase("close") {
            return .close
        }
        return .other
    }
}

/// What a load came to. Latencies are in nanoseconds, one per verified response.
public struct LoadResult: Sendable {
    /// From sending to the first byte of the response.
    public var firstByte: [Int64] = []
    /// From sending to the last byte.
    public var total: [Int64] = []
    /// Chunks of all verified responses.
    public var chunks = 0
    /// Body bytes of all verified responses.
    public var bytes = 0
    /// What did not verify, by kind.
    public var errors: [String: Int] = [:]
    /// How long the whole took.
    public var elapsed = Interval.zero

    /// The value below which a share of the latencies lies.
    public static func percentile(_ values: [Int64], _ share: Double) -> Int64 {
        guard !values.isEmpty else { return 0 }
        let sorted = values.sorted()
        return sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
    }
}

/// What to ask, of whom.
public struct LoadTarget: Sendable {
    let address: SocketAddress
    let request: String
    let status: Int
    let needsDone: Bool

    /// A request to be sent to an address, and what a right answer looks like.
    public init(address: SocketAddress, request: String, status: Int = 200, needsDone: Bool) {
        self.address = address
        self.request = request
        self.status = status
        self.needsDone = needsDone
    }

    /// A chat call in the OpenAI dialect, its message holding a script for the scripted vendor.
    public static func chat(
        _ address: SocketAddress, script: String, streams: Bool, filling: Int = 0
    ) -> LoadTarget {
        let body =
            "{\"model\":\"gpt-4o\",\"stream\":\(streams),\"messages\":[{\"role\":\"user\","
            + "\"content\":\"\(String(repeating: "lorem ", count: filling / 6))"
            + "[[mock \(script)]]\"}]}"
        let request = """
            POST /v1/chat/completions HTTP/1.1\r
            Host: \(address)\r
            Accept: application/json\r
            Accept-Encoding: gzip, deflate\r
            Connection: keep-alive\r
            User-Agent: OpenAI/Python 3.54.0\r
            X-Stainless-Lang: python\r
            X-Stainless-Package-Version: 3.54.0\r
            X-Stainless-OS: Linux\r
            X-Stainless-Arch: x64\r
            X-Stainless-Runtime: CPython\r
            X-Stainless-Runtime-Version: 3.11.7\r
            X-Stainless-Async: false\r
            x-stainless-retry-count: 0\r
            Authorization: Bearer sk-test-0123456789\r
            Content-Type: application/json\r
            Content-Length: \(body.utf8.count)\r
            \r
            \(body)
            """
        return LoadTarget(address: address, request: request, needsDone: streams)
    }
}

/// A closed-loop load: each connection sends its next request when the last answer is whole.
public final class LoadClient: TurnHandler {
    /// When a load ends.
    public enum Extent: Sendable {
        case requests(Int)
        case duration(Interval)
    }

    let loop: EventLoop
    private let targets: [LoadTarget]
    private let extent: Extent
    private var clients: [LoadConnection] = []
    private var results: [LoadResult]
    private var begun = 0
    private var active = 0
    private let start = Instant.now()

    private init(targets: [LoadTarget], extent: Extent) throws(SystemError) {
        loop = try EventLoop()
        self.targets = targets
        self.extent = extent
        results = targets.map { _ in LoadResult() }
        loop.turnHandler = self
    }

    /// Runs a load on the calling thread. With several targets each round asks every one of them
    /// once, one after the other, in an order that turns.
    public static func run(
        _ targets: [LoadTarget], connections: Int, extent: Extent
    ) throws -> [LoadResult] {
        let client = try LoadClient(targets: targets, extent: extent)
        for _ in 0..<connections {
            client.active += 1
            let connection = LoadConnection(client, targets: targets)
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
    public var hasPendingWork: Bool { false }

    /// Nothing is done at the end of a turn.
    public func turnEnded() {}
}

/// One connection per target, used in turn.
final class LoadConnection: DescriptorHandler {
    private let client: LoadClient
    private let targets: [LoadTarget]
    private var descriptors: [Int32]
    private var current = 0
    private var round = 0
    private var step = 0
    private var reader = ResponseReader()
    private var output = ByteBuffer()
    private var input = ByteBuffer()
    private var sentAt = Instant.now()
    private var firstByteAt: Instant?

    init(_ client: LoadClient, targets: [LoadTarget]) {
        self.client = client
        self.targets = targets
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
        output.removeAll()
        output.append(text: targets[current].request)
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
            input.removeAll()
            if reader.state == .complete { succeed() } else if reader.state == .broken { fail("framing") }
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
