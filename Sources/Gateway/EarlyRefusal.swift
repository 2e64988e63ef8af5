import Access
import Config
import Dialects
import ExchangeCore
import HTTP
import Primitives
import Reactor
import Routing

/// A request that is refused before it is routed: its head could not be understood, its host is a
/// foreign one, its body is too large or too slow.
enum EarlyRefusal {
    /// A refusal, and whether the connection closes after it.
    struct Reason {
        let failure: Failure
        var isClosing = true
    }

    /// Why a request is refused once its head is here; nil where it is not.
    ///
    /// It also finds out what the request's origin means, and whether it asks for a tunnel.
    static func reason(for exchange: RequestExchange) -> Reason? {
        let (worker, request) = (exchange.worker, exchange.request)
        if exchange.client.isTurnedAway { return Reason(failure: .tooManyConnections) }
        let isOnLoopback = exchange.client.socket.origin.isOnLoopback
        if worker.policy.refusesHost(of: request.head, onLoopback: isOnLoopback) {
            return Reason(failure: .unknownHost)
        }
        exchange.origin = worker.policy.origin(of: request.head)
        exchange.writer.isReadableByPage = exchange.origin == .allowed
        if let refusal = CallerCheck.refusal(for: exchange) {
            return Reason(failure: refusal, isClosing: request.head.mayBringBody)
        }
        guard request.head.isWebSocketHandshake else { return nil }
        if let obstacle = obstacleToTunnel(exchange) {
            return Reason(failure: obstacle, isClosing: request.head.mayBringBody)
        }
        exchange.tunnel = Tunnel(exchange)
        return nil
    }

    /// Why a handshake opens no tunnel; nil where it may.
    private static func obstacleToTunnel(_ exchange: RequestExchange) -> Failure? {
        let (worker, request) = (exchange.worker, exchange.request)
        guard exchange.snapshot.routing.hasTunnels, worker.responder == nil else {
            return .webSocket("WebSocket is not served here")
        }
        guard exchange.snapshot.routing.opensTunnel(request.head) else {
            return .webSocket("WebSocket is not spoken on this path")
        }
        guard !request.head.mayBringBody else {
            return .webSocket("a WebSocket's handshake has no body")
        }
        // What passes in a tunnel is counted against no limit: the client asks over HTTP then.
        guard let key = exchange.caller?.key else { return nil }
        if key.isMetered {
            return .webSocketLimit(
                "the key \(key.name) has a budget or a limit of tokens, which what passes in a "
                    + "WebSocket is not counted against")
        }
        guard key.needsModel else { return nil }
        let model = request.withHead { head in
            let path = head.path
            return path.hasSuffix("/realtime") ? SessionModel.only(in: head.pathAndQuery) : nil
        }
        guard let model else {
            return .webSocketLimit(
                "the key \(key.name) may ask for certain models alone, and messages in a WebSocket "
                    + "can ask for others")
        }
        guard key.mayUse(model: model) else {
            return .forbidden(
                "model_not_allowed", "the key \(key.name) may not ask for model \(model)")
        }
        return nil
    }

    /// Gives an exchange that is about to be answered its name and the beginning of its record;
    /// does nothing where it has both, because it was routed before.
    static func begin(_ exchange: RequestExchange) {
        guard exchange.identifier == nil else { return }
        let worker = exchange.worker
        exchange.identifier = Identifier.next(using: &worker.random)
        exchange.requestEnded = worker.loop.now
        // The operators' listener keeps no record.
        if worker.responder == nil { exchange.recorder.writeBegin(exchange, isWhole: false) }
    }
}
