import ExchangeCore
import HTTP
import Primitives
import Reactor

// A vendor that refuses an upload may answer, close, and leave bytes of the upload unread; its
// kernel then resets the connection. libcurl fails with the next bytes that it means to send, and
// never reads the answer, which the kernel has had all the time.
extension Transfer {
    /// Bytes that are looked for at most: a refusal is short.
    private static let unreadBytesMax = 1 << 20

    /// Takes what waits on the transfer's socket, which libcurl is about to close.
    ///
    /// Only where libcurl has read nothing of an answer to an upload, or was sending for an open
    /// tunnel; what waits on a connection with TLS is not legible here.
    func keepUnread(_ descriptor: Int32) {
        let isUpload = hasBody && sendings == 1 && head.isEmpty || upload.isSending
        guard isUpload, unread.isEmpty, endpoint.isPlain else { return }
        while unread.count < Self.unreadBytesMax {
            guard case .moved = Socket.receive(descriptor, into: &unread, room: 64 << 10) else {
                return
            }
        }
    }

    /// Hands an answer on that libcurl did not read; returns how the transfer has ended with it.
    func takeUnread(_ code: CurlCode) -> CurlCode {
        guard code == .sendError, !unread.isEmpty else { return code }
        var bytes = ByteBuffer()
        swap(&bytes, &unread)
        if isOpenTunnel {
            follower.take(bytes.bytes, of: self)
            return code
        }
        var offset = 0
        while !head.isComplete {
            guard let end = bytes.bytes.firstIndex(of: 0x0A, from: offset) else { return code }
            _ = head.add(line: bytes.bytes(offset..<end + 1))
            guard head.violation == nil else { return code }
            offset = end + 1
        }
        isReusable = false
        follower.delegate?.transferReceivedHead(self)
        let rest = bytes.bytes(offset..<bytes.count)
        if head.isChunked {
            takeChunks(rest)
            return .ok
        }
        let length = head.contentLength ?? rest.count
        let body = rest.extracting(0..<min(length, rest.count))
        if body.count > 0 { follower.take(body, of: self) }
        return rest.count < length ? .partialFile : .ok
    }
}
