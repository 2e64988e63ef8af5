import Config
import Dialects
import ExchangeCore
import HTTP
import Primitives
import Routing
import Transfers

/// Looks at copies of a tunnel's frames, and keeps a record of each response in it.
///
/// It never holds a byte up. Of a message it keeps the beginning until it is known what it is;
/// the rest goes to the journal as it comes. What it cannot read it leaves unknown.
final class TunnelObserver {
    /// Responses that are recorded at the same time: vendors allow half of it in a connection.
    private static let responsesMax = 32

    private let exchange: RequestExchange
    private let dialect: Dialect
    /// Whether each response is a call of its own, and no part of a session.
    private let isCall: Bool
    private var clientTap: MessageTap
    private var vendorTap: MessageTap
    private var fromClient = Message()
    private var fromVendor = Message()
    private var responses: [TunnelResponse] = []
    private var sessionModel: String
    /// What transcribes what the client says.
    private var transcriber = ""
    private var unrecorded = 0
    /// Messages that were too long to say what they are.
    private var unread = 0
    private var farewell: (isVendors: Bool, code: Int?, reason: String)?

    /// Whether one side has said that it closes.
    var sawClose: Bool { farewell != nil }

    /// The message of a direction that is coming in.
    private struct Message {
        /// Its beginning, until it is known what it is.
        var beginning: [UInt8] = []
        /// Whether it is known.
        var isKnown = false
        var isEnd = false
        /// The response that the message belongs to.
        var response: TunnelResponse?

        mutating func begin() {
            beginning.removeAll(keepingCapacity: true)
            isKnown = false
            response = nil
        }
    }

    init(_ exchange: RequestExchange, model: String, extensions: String) {
        self.exchange = exchange
        dialect = OwnAnswer.dialect(of: exchange)
        sessionModel = model
        isCall = exchange.request.withHead { head in
            let path = head.path
            return path.hasSuffix("/responses")
        }
        let agreed = WebSocketExtensions(extensions)
        clientTap = MessageTap(
            isMasked: true, agreed, keepsContext: agreed.clientKeepsContext)
        vendorTap = MessageTap(
            isMasked: false, agreed, keepsContext: agreed.vendorKeepsContext)
    }

    private var vendor: String { exchange.answeringAttempt?.vendor.name ?? "" }

    // MARK: Bytes

    /// Takes the last bytes that came into a buffer.
    func clientSent(_ buffer: borrowing ByteBuffer, last count: Int) {
        clientTap.take(buffer.bytes(buffer.count - count..<buffer.count)) { finding, text in
            switch finding {
            case .close(let code): close(isVendors: false, code, text)
            case .piece(let piece): takeRequest(piece, text)
            case .ping, .pong: break
            }
        }
    }

    func vendorSent(_ bytes: Span<UInt8>) {
        vendorTap.take(bytes) { finding, text in
            switch finding {
            case .close(let code): close(isVendors: true, code, text)
            case .piece(let piece): takeEvent(piece, text)
            case .ping, .pong: break
            }
        }
        guard vendorTap.isLost else { return }
        // No end of theirs can be read any more.
        for response in responses { response.markGap() }
    }

    private func close(isVendors: Bool, _ code: Int?, _ reason: Span<UInt8>) {
        guard farewell == nil else { return }
        farewell = (isVendors, code, reason.text)
    }

    // MARK: Messages

    private func takeRequest(_ piece: WebSocketReader.Piece, _ text: Span<UInt8>) {
        if piece.isFirst {
            fromClient.begin()
            // Most come whole, and need no copy.
            if piece.isLast { return takeWholeRequest(text) }
        }
        if fromClient.isKnown {
            fromClient.response?.takeRequest(text)
        } else {
            let before = fromClient.beginning.count
            fromClient.beginning.append(text)
            // A span of what may change would not outlive the call.
            let beginning = fromClient.beginning
            guard
                let message = read(
                    beginning.span, before: before, piece, isFromClient: true)
            else { return }
            fromClient.isKnown = true
            fromClient.beginning = []
            fromClient.response = request(message)
            fromClient.response?.takeRequest(beginning.span)
        }
        if piece.isLast { fromClient.response?.endRequest() }
    }

    private func takeWholeRequest(_ text: Span<UInt8>) {
        let message = SocketMessage(text, dialect, isFromClient: true, isCall: isCall)
        guard let response = request(message) else { return }
        response.takeRequest(text)
        response.endRequest()
    }

    /// What a message is that has come so far; nil where more of it is needed.
    private func read(
        _ text: Span<UInt8>, before: Int, _ piece: WebSocketReader.Piece, isFromClient: Bool
    ) -> SocketMessage? {
        let found = SocketMessage.read(
            text, before: before, isLast: piece.isLast, dialect, isFromClient: isFromClient,
            isCall: isCall)
        if found?.isUnread ?? false { unread += 1 }
        return found?.message
    }

    /// The record of the response that a client's message asks for; nil where it asks for none.
    private func request(_ message: SocketMessage) -> TunnelResponse? {
        if !message.model.isEmpty { sessionModel = message.model }
        if let name = message.transcriber { transcriber = name }
        guard message.role == .request else { return nil }
        return beginResponse(sessionModel, lane: message.lane)
    }

    private func beginResponse(_ model: String, lane: String) -> TunnelResponse? {
        guard let journal = exchange.worker.journal else { return nil }
        guard responses.count < Self.responsesMax,
            let response = TunnelResponse(
                of: exchange, journal, vendor: vendor, model: model, lane: lane)
        else {
            unrecorded += 1
            return nil
        }
        responses.append(response)
        return response
    }

    private func takeEvent(_ piece: WebSocketReader.Piece, _ text: Span<UInt8>) {
        if piece.isFirst {
            fromVendor.begin()
            // Most come whole, and need no copy.
            if piece.isLast { return takeWholeEvent(text) }
        }
        if fromVendor.isKnown {
            fromVendor.response?.takeEvent(text)
        } else {
            let before = fromVendor.beginning.count
            fromVendor.beginning.append(text)
            let beginning = fromVendor.beginning
            guard
                let message = read(
                    beginning.span, before: before, piece, isFromClient: false)
            else { return }
            fromVendor.isKnown = true
            fromVendor.beginning = []
            if piece.isLast { return takeWhole(message, beginning.span) }
            beginEvent(message)
            fromVendor.response?.beginEvent()
            fromVendor.response?.takeEvent(beginning.span)
        }
        guard piece.isLast, let response = fromVendor.response else { return }
        response.endEvent()
        endEvent(response)
    }

    private func takeWholeEvent(_ text: Span<UInt8>) {
        takeWhole(SocketMessage(text, dialect, isFromClient: false, isCall: isCall), text)
    }

    private func takeWhole(_ message: SocketMessage, _ text: Span<UInt8>) {
        beginEvent(message)
        guard let response = fromVendor.response else { return }
        response.takeWholeEvent(text)
        endEvent(response)
    }

    /// Finds the response that a vendor's message belongs to.
    private func beginEvent(_ message: SocketMessage) {
        if let name = message.transcriber { transcriber = name }
        fromVendor.isEnd = message.role == .end || message.role == .transcript
        fromVendor.response = response(of: message)
    }

    private func endEvent(_ response: TunnelResponse) {
        fromVendor.response = nil
        if fromVendor.isEnd { end(response, .complete) }
    }

    /// The response that a vendor's message belongs to; nil for one about the session.
    private func response(of message: SocketMessage) -> TunnelResponse? {
        guard message.role != .other else { return nil }
        // It has a usage of its own, and stands beside the responses.
        if message.role == .transcript { return beginResponse(transcriber, lane: message.lane) }
        let named = responses.first { !message.response.isEmpty && $0.name == message.response }
        // In a lane one is answered after the other.
        let next = responses.first {
            $0.lane == message.lane && (message.role != .begin || $0.name.isEmpty)
        }
        // A session may begin one by itself, when a speaker pauses; an end alone is of none.
        let mayBegin = message.role != .end && !isCall
        let found =
            named ?? next ?? (mayBegin ? beginResponse(sessionModel, lane: message.lane) : nil)
        if message.role == .begin { found?.name = message.response }
        if message.status > 0 { found?.status = message.status }
        return found
    }

    private func end(_ response: TunnelResponse, _ outcome: Outcome) {
        responses.removeAll { $0 === response }
        response.settle(outcome, vendor: vendor)
    }

    // MARK: End

    /// The tunnel has ended: so have the responses in it.
    func settle(_ outcome: Outcome) {
        let cut = outcome == .complete ? .truncated : outcome
        for response in responses { response.settle(cut, vendor: vendor) }
        responses = []
        fromClient.response = nil
        fromVendor.response = nil
    }

    /// How the tunnel ended, in words.
    ///
    /// The reason is content: it stands there only where content is kept.
    var explanation: String {
        var text = "the WebSocket ended without a farewell"
        if let farewell {
            text = "the \(farewell.isVendors ? "vendor" : "client") closed the WebSocket"
            if let code = farewell.code { text += " with \(code)" }
            let isKept = exchange.worker.journal.map { $0.capture.responseBytesMax > 0 } ?? false
            if isKept, !farewell.reason.isEmpty { text += ": \(farewell.reason)" }
        }
        if clientTap.isLost || vendorTap.isLost {
            text += "; not all of its messages could be read"
        }
        if unread > 0 { text += "; \(unread) messages were too long to be read" }
        if unrecorded > 0 { text += "; \(unrecorded) responses have no record" }
        return text
    }
}
