// What the front refuses whatever the route would be.
extension Failure {
    /// A handshake for another protocol than HTTP.
    ///
    /// The status is the one at which clients that can do without WebSocket go on without it, at
    /// once and for the rest of their session.
    public static func webSocket(_ reason: String) -> Failure {
        .refused(
            426, "websocket_not_served", reason + "; what the API offers over HTTP/1.1 is served")
    }

    /// A handshake of a caller whose limits cannot be kept in a WebSocket.
    public static func webSocketLimit(_ reason: String) -> Failure {
        .refused(426, "websocket_limited_key", reason + "; the same call over HTTP/1.1 is served")
    }

    /// A handshake whose route, or whose target's model, depends on what comes after it.
    ///
    /// Without a chain's name it is the names under `[models]` that decide.
    public static func webSocketModel(chain: String) -> Failure {
        let who = chain.isEmpty ? "the names under [models] need" : "chain \(chain) needs"
        return .refused(
            426, "websocket_model_unknown",
            "\(who) the model, which a WebSocket names only once it is open; the "
                + "same call over HTTP/1.1 is served")
    }
}
