import Config
import ExchangeCore
import HTTP
import Primitives
import Synchronization

/// What may come in: how many clients, and how large their requests.
public final class Admission: Sendable {
    private let connectionsMax: Int
    private let connections = Atomic<Int>(0)

    /// An admission of at most so many connections over all workers.
    public init(connectionsMax: Int) {
        self.connectionsMax = connectionsMax
    }

    /// Counts a new connection; false when it is one too many, and then it is not counted.
    func enter() -> Bool {
        let count = connections.add(1, ordering: .relaxed).newValue
        guard count <= connectionsMax else {
            connections.subtract(1, ordering: .relaxed)
            return false
        }
        return true
    }

    /// Counts a connection off.
    func leave() {
        connections.subtract(1, ordering: .relaxed)
    }

    /// How a request's body is taken in.
    enum BodyPlan: Equatable {
        /// Kept whole until the vendor has answered, so that it can be sent again.
        case keep
        /// Passed on as it comes: it is too large to keep.
        case stream
        /// Not at all.
        case refuse(Failure)
    }

    /// The plan for a request's body, from its head.
    static func plan(
        _ head: borrowing RequestHead, _ server: Configuration.Server
    ) -> BodyPlan {
        guard let length = head.contentLength else { return .keep }
        if length > server.maxBodyBytes { return .refuse(tooLarge(server.maxBodyBytes)) }
        return length > server.replayLimitBytes ? .stream : .keep
    }

    /// The refusal of a body beyond the limit.
    static func tooLarge(_ limit: Int) -> Failure {
        .refused(413, "request_too_large", "the request body is larger than \(limit) bytes")
    }
}
