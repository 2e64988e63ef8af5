import Primitives
import Reactor

/// A request that is refused before it is routed: its head could not be understood, its host is a
/// foreign one, its body is too large or too slow.
enum EarlyRefusal {
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
