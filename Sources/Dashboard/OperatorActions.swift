import Gateway

/// A request on the operators' listener.
public struct OperatorRequest: Sendable {
    /// Its method.
    public let method: String
    /// Its path, without a query.
    public let path: String
}

/// The answer to one, in JSON.
public struct OperatorAnswer: Sendable {
    let status: Int
    let body: String

    /// An answer of these parts.
    public init(status: Int, body: String) {
        self.status = status
        self.body = body
    }

    var page: LocalResponse {
        LocalResponse(status: status, contentType: "application/json", body: body)
    }
}

/// What operators see and change over HTTP besides the pages: keys and limits.
///
/// It is asked only after the token was shown, where there is one; without one nothing is changed.
public protocol OperatorActions: AnyObject {
    /// Whether a path is one of these.
    func know(_ request: OperatorRequest) -> Bool

    /// The answer; nil where it is given later, on the same thread.
    func act(
        on request: OperatorRequest, body: Span<UInt8>,
        later: @escaping (OperatorAnswer) -> Void
    ) -> OperatorAnswer?
}
