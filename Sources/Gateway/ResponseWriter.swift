import Dialects
import ExchangeCore
import HTTP
import Primitives
import Reactor

/// Writes one response in HTTP towards the client: the only one that knows its framing.
///
/// It has two latches. The head goes once, and a piece only after it. The exchange keeps the
/// commit, because a head may go out before any content. The writer holds no client, which would
/// cost references: each call lends it the client that it writes to.
struct ResponseWriter {
    /// Whether the client is a page that may read the response; CORS fields then say so.
    var isReadableByPage = false
    private(set) var framing = ResponseFraming.none
    /// Whether a head went out.
    private(set) var hasHead = false
    /// Whether the whole response is in the output, or gone.
    private(set) var isComplete = false
    /// Whether the response broke off, so that the client must not take it for whole.
    private(set) var isBrokenOff = false
    /// Whether nothing is served on this connection after the response.
    var closesAfterwards = false

    /// Writes a head: `vendor` appends the status line and the vendor's fields, `own` what the
    /// gateway says of it.
    mutating func head(
        _ framing: ResponseFraming, to client: ClientConnection,
        vendor: (inout ByteBuffer) -> Void,
        own: (inout ByteBuffer) -> Void
    ) {
        precondition(!hasHead, "a second head")
        hasHead = true
        self.framing = framing
        if framing == .close || framing == .tunnel || client.worker.isLeaving {
            closesAfterwards = true
        }
        client.worker.buffers.lend(to: &client.output)
        vendor(&client.output)
        writeConnectionField(to: client)
        own(&client.output)
        if isReadableByPage { Self.writeCORS(to: client) }
        client.output.append("\r\n")
        client.requestFlush()
    }

    /// Writes a piece as the vendor sent it.
    @inline(__always)
    func piece(_ bytes: Span<UInt8>, to client: ClientConnection) {
        if client.output.capacity == 0 { client.worker.buffers.lend(to: &client.output) }
        framing.write(bytes, to: &client.output)
    }

    /// Writes pieces that were held.
    func pieces(of hold: Hold, to client: ClientConnection) {
        hold.eachPiece { framing.write($0.bytes($1), to: &client.output) }
        client.requestFlush()
    }

    /// The response is whole.
    mutating func end(to client: ClientConnection) {
        framing.writeEnd(to: &client.output)
        isComplete = true
        client.requestFlush()
    }

    /// The response will never be whole: what came is sent, and the framing is left open.
    ///
    /// `event` writes what happened, for a client that reads events. It goes out between chunks
    /// alone: inside a body of declared length its bytes would stand for the vendor's that are
    /// missing, and make the body look whole.
    mutating func breakOff(
        to client: ClientConnection, _ event: (inout ByteBuffer) -> Void = { _ in }
    ) {
        isBrokenOff = true
        closesAfterwards = true
        if framing == .chunked {
            var text = ByteBuffer()
            event(&text)
            client.worker.buffers.lend(to: &client.output)
            framing.write(text.bytes, to: &client.output)
        }
        isComplete = true
        client.requestFlush()
    }

    /// Whether the waiting output completes a response whose body has so many bytes so far.
    func isWhole(after bytes: Int) -> Bool {
        switch framing {
        case .length(let length): bytes >= length
        case .none: true
        case .chunked, .close, .tunnel: false
        }
    }

    /// Writes an answer of the gateway's own, whole.
    mutating func answer(
        status: Int, contentType: String?, to client: ClientConnection,
        own: (inout ByteBuffer) -> Void,
        body: (inout ByteBuffer) -> Void
    ) {
        precondition(!hasHead, "a second head")
        hasHead = true
        client.worker.buffers.lend(to: &client.output)
        client.output.append("HTTP/1.1 ")
        client.output.append(decimal: status)
        client.output.append(byte: 0x20)
        client.output.append(reasonPhrase(status))
        client.output.append("\r\n")
        var text = ByteBuffer()
        body(&text)
        if let contentType {
            client.output.append("content-type: ")
            client.output.append(text: contentType)
            client.output.append("\r\ncontent-length: ")
            client.output.append(decimal: text.count)
            client.output.append("\r\n")
        }
        writeConnectionField(to: client)
        if status == 405 {
            client.output.append("allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n")
        }
        own(&client.output)
        if isReadableByPage { Self.writeCORS(to: client) }
        client.output.append("\r\n")
        if client.parser.head.method != .head { client.output.append(text.bytes) }
        isComplete = true
        client.requestFlush()
    }

    /// Writes `100 Continue` to a client that waits before it sends its body.
    func continues(to client: ClientConnection) {
        client.worker.buffers.lend(to: &client.output)
        client.output.append("HTTP/1.1 100 Continue\r\n\r\n")
        client.requestFlush()
    }

    private func writeConnectionField(to client: ClientConnection) {
        // A switch of protocols has its own.
        if framing == .tunnel { return }
        if closesAfterwards {
            client.output.append("connection: close\r\n")
        } else if client.parser.head.minorVersion == 0 {
            client.output.append("connection: keep-alive\r\n")
        }
    }

    /// Writes the fields that let the page read the response.
    private static func writeCORS(to client: ClientConnection) {
        client.parser.withHead { head in
            client.output.append("access-control-allow-origin: ")
            client.output.append(head.value(of: .origin))
        }
        client.output.append("\r\nvary: Origin\r\naccess-control-expose-headers: *\r\n")
    }
}

extension ResponseWriter {
    /// Whether the last byte of an exchange's response is in the output.
    static func hasLastByte(of exchange: RequestExchange) -> Bool {
        if exchange.writer.isComplete { return true }
        guard exchange.state.isCommitted, let attempt = exchange.answeringAttempt else {
            return false
        }
        return exchange.writer.isWhole(after: attempt.recorder.bytes)
    }
}

extension ResponseFraming {
    /// Writes what a head says of the framing.
    ///
    /// `withheldBytes`: bytes that a response without a body would have had.
    func writeField(withheldBytes: Int?, to output: inout ByteBuffer) {
        switch self {
        case .length(let length):
            output.append("content-length: ")
            output.append(decimal: length)
            output.append("\r\n")
        case .chunked:
            output.append("transfer-encoding: chunked\r\n")
        case .none:
            // A HEAD gets the length that a GET would have had; a 204 has no length at all.
            guard let withheldBytes else { return }
            output.append("content-length: ")
            output.append(decimal: withheldBytes)
            output.append("\r\n")
        case .close, .tunnel:
            break
        }
    }
}
