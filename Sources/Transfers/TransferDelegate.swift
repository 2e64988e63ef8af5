public import ExchangeCore
import Primitives

/// The observer of one transfer.
///
/// All but ``transferEnded(_:_:)`` is called from inside libcurl: there a transfer may be paused,
/// and nothing else may be asked of the library.
public protocol TransferDelegate: AnyObject {
    /// The final response head is complete: see ``Transfer/head``.
    func transferReceivedHead(_ transfer: Transfer)
    /// Bytes of the response body came, transfer coding removed, content coding untouched. They are
    /// lent for the length of the call.
    func transfer(_ transfer: Transfer, received bytes: Span<UInt8>)
    /// The streamed request body can take up to `space.count` bytes more.
    func transfer(_ transfer: Transfer, fill space: UnsafeMutableRawBufferPointer) -> UploadPiece
    /// The transfer is over and out of libcurl's hands.
    func transferEnded(_ transfer: Transfer, _ result: TransferResult)
}

/// What a streamed request body has to give just now.
public enum UploadPiece: Equatable, Sendable {
    /// So many bytes were written into the space.
    case bytes(Int)
    /// None yet: the upload rests until ``Lanes/resumeSending(_:)``.
    case notYet
    /// The body is complete.
    case end
    /// The body will never be complete.
    case abort
}

/// The observer of one transfer, or none.
///
/// A value that is never copied, and not changed while the observer is called: so it holds the
/// observer meanwhile, and no reference needs to be counted for each chunk.
struct Follower: ~Copyable {
    let delegate: (any TransferDelegate)?

    init(_ delegate: (any TransferDelegate)? = nil) {
        self.delegate = delegate
    }

    @inline(__always)
    func take(_ bytes: Span<UInt8>, of transfer: Transfer) {
        delegate?.transfer(transfer, received: bytes)
    }
}
