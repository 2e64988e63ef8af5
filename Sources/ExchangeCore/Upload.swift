public import Primitives

/// How a request's body comes in: since when, how fast, and whether it waits for memory.
public struct Upload: Equatable, Sendable {
    /// Bytes of a body that is passed on that must come within each span of ``paceTime``.
    public static let paceBytes = 60 << 10
    /// The span in which they must come: 1 KiB a second, with room for pauses.
    public static let paceTime = Interval.seconds(60)

    /// When the head was whole.
    public private(set) var began: Instant
    /// Whether the body is passed on as it comes.
    public var isStreamed = false
    /// When the span began in which so many bytes must come.
    public private(set) var paceBegan: Instant
    private var paceBytesCame = 0
    /// Since when the body waits for memory; nil while it does not.
    public private(set) var awaitsRoomSince: Instant?

    /// A body that begins now.
    public init(began: Instant) {
        self.began = began
        paceBegan = began
    }

    /// More bytes came.
    ///
    /// A span ends when its bytes are here, and the next begins: a span that lasts too long was
    /// too slow, and nothing has to be computed when its clock runs out.
    public mutating func received(_ bytes: Int, now: Instant) {
        paceBytesCame += bytes
        guard paceBytesCame >= Self.paceBytes else { return }
        startSpan(now)
    }

    /// The client is read again: the time before was not its own.
    public mutating func resumed(now: Instant) {
        startSpan(now)
    }

    /// The body waits for memory from now on.
    public mutating func awaitRoom(now: Instant) {
        if awaitsRoomSince == nil { awaitsRoomSince = now }
    }

    /// The body does not wait any more: there is room, it is refused, or its client is gone.
    public mutating func stopAwaitingRoom(now: Instant) {
        guard let since = awaitsRoomSince else { return }
        awaitsRoomSince = nil
        began = began + (now - since)
        startSpan(now)
    }

    private mutating func startSpan(_ now: Instant) {
        paceBegan = now
        paceBytesCame = 0
    }
}
