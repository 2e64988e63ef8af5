public import Primitives

/// The body of a request, kept in memory until a vendor has answered.
///
/// All that may send it hold it, transfers and exchanges alike, so that its bytes stay where they
/// are for as long as libcurl may read them.
public final class KeptBody {
    /// Bytes of storage that are kept from one request to the next at most.
    private static let storageKeptMax = 2 << 10

    private var buffer: ByteBuffer
    private var charge = BodyCharge()

    /// Takes a body over.
    public init(_ buffer: consuming ByteBuffer) {
        self.buffer = buffer
    }

    /// Takes a body over that was written here, and counts it.
    public init(_ buffer: consuming ByteBuffer, countedBy budget: BodyBudget) {
        self.buffer = buffer
        // A copy for one attempt: its original was let in.
        _ = charge.cover(storage: self.buffer.capacity, of: budget)
    }

    /// Bytes of the body.
    public var count: Int { buffer.count }

    /// Lends the bytes.
    public func withBytes<R, E: Error>(
        _ use: (borrowing ByteBuffer) throws(E) -> R
    ) throws(E) -> R {
        try use(buffer)
    }

    var pointer: UnsafeRawBufferPointer { unsafe buffer.pointer }

    /// Takes a body's bytes over, its storage and what is counted for it.
    public func fill(from other: inout ByteBuffer, charge otherCharge: inout BodyCharge) {
        swap(&buffer, &other)
        swap(&charge, &otherCharge)
    }

    /// Empties a body for the next request where only the caller holds it; nil where libcurl may
    /// still read it.
    public static func emptied(_ body: consuming KeptBody) -> KeptBody? {
        var body = body
        guard isKnownUniquelyReferenced(&body) else { return nil }
        // A small one goes on to the next request; a stream at rest keeps no large one.
        if body.buffer.capacity > storageKeptMax {
            body.buffer.release()
            body.charge = BodyCharge()
        } else {
            body.buffer.removeAll()
        }
        return body
    }
}

@available(*, unavailable)
extension KeptBody: Sendable {}
