import Synchronization

/// The memory that bodies of requests may take, over all workers.
///
/// What is counted is storage that is there already: a client that declares a large body and sends
/// none of it takes nothing from the others.
public final class BodyBudget: Sendable {
    /// How much room there is.
    public enum Room: Equatable, Sendable {
        /// More may come.
        case free
        /// What is here may stay, and more has to wait.
        case short
        /// Not even that: those that wait hold too much themselves.
        case none
    }

    /// Bytes up to which more may come.
    public let bytesMax: Int
    private let counted = Atomic<Int>(0)

    /// A budget of so many bytes.
    public init(bytesMax: Int) {
        self.bytesMax = bytesMax
    }

    /// Bytes of storage that are counted now.
    public var bytes: Int { counted.load(ordering: .relaxed) }

    /// Bytes that may still come.
    public var bytesLeft: Int { max(0, bytesMax - bytes) }

    /// How much room there is now.
    public var room: Room { room(at: bytes) }

    /// Counts storage, or counts it off where the number is below zero.
    func add(_ bytes: Int) -> Room {
        room(at: counted.add(bytes, ordering: .relaxed).newValue)
    }

    // Each body that waits was received as far as one piece, which is counted too. Together they
    // may take a quarter more; beyond it the next is refused.
    private func room(at bytes: Int) -> Room {
        if bytes <= bytesMax { return .free }
        return bytes - bytesMax <= bytesMax / 4 ? .short : .none
    }
}
