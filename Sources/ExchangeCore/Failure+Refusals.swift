import Dialects
public import Routing

extension Failure {
    /// The refusal of a body beyond the limit.
    public static func tooLarge(_ limit: Int) -> Failure {
        .refused(413, "request_too_large", "the request body is larger than \(limit) bytes")
    }

    /// A question about a model that the gateway does not list.
    public static func unknownModel(_ name: String) -> Failure {
        .refused(404, "model_not_found", "no model is listed here under the name \(name)")
    }

    /// A request for a host that is none of the listener's.
    public static var unknownHost: Failure {
        .refused(
            421, "unknown_host",
            "this listener is reached by names of loopback, and by those under hosts in "
                + "[server]; the request asks for another")
    }

    /// A client that is one too many.
    public static var tooManyConnections: Failure {
        .unavailable(
            "too_many_connections",
            "the gateway serves as many connections as it may; see max_connections in [server]")
    }

    /// A body for which there is no memory.
    public static var noRoomForBody: Failure {
        .unavailable(
            "no_room_for_body",
            "the bodies of other requests take the memory that bodies may take; see body_budget "
                + "in [server]")
    }

    /// Why a request goes to no target.
    ///
    /// `isHandshake`: it asks for a WebSocket.
    public static func unrouted(
        _ refusal: RoutingTable.Refusal, isHandshake: Bool = false
    ) -> Failure {
        switch refusal {
        case .modelUnreadable(let chain, _) where isHandshake:
            .webSocketModel(chain: chain)
        case .noAPI:
            .refused(
                404, "no_route",
                "the path is none of the vendors' APIs that are known here; a chain whose paths "
                    + "name it would route it")
        case .noChain(let dialect):
            .refused(
                404, "no_chain",
                "no chain serves this request, and no vendor of dialect \(dialect.rawValue) takes "
                    + "it with the caller's own credential; a last chain with models = [\"*\"] "
                    + "would route it")
        case .noVendor(let dialect):
            .refused(
                404, "no_vendor", "no vendor of dialect \(dialect.rawValue) is configured"
            )
        case .noTarget(let chain, let dialect, let skipped):
            .refused(
                404, "no_target",
                "chain \(chain) has no target for a request in the dialect \(dialect.rawValue): "
                    + skipped.map { "\($0.vendor): \($0.reason)" }.joined(separator: "; ")
            )
        case .modelUnreadable(let chain, let fault):
            .refused(
                fault.status, "model_unreadable",
                "chain \(chain) is chosen by the model, which cannot be read: \(fault.reason)")
        }
    }
}
