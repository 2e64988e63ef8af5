import Primitives

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
                countBody(bytes.extracting(index..<index + count))
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

    private mutating func countBody(_ bytes: Span<UInt8>) {
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
