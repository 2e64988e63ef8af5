import CCurl
import HTTP
import Primitives
import Reactor

// libcurl's side of a transfer. Functions, not closures: libcurl calls them without a context of
// Swift's, and each finds its transfer through the user data. The transfer is alive during every
// call, because its lane holds it until libcurl has let go of it.

private func withTransfer<R>(_ context: UnsafeMutableRawPointer, _ body: (Transfer) -> R) -> R {
    unsafe Unmanaged<Transfer>.fromOpaque(context)._withUnsafeGuaranteedRef(body)
}

func receiveHeader(
    _ data: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int,
    _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let context = unsafe context else { return 0 }
    let line = unsafe UnsafeBufferPointer(
        start: UnsafeRawPointer(data)?.assumingMemoryBound(to: UInt8.self), count: size * count
    )
    return unsafe withTransfer(context) { transfer in
        let wasComplete = transfer.head.isComplete
        let completes = unsafe transfer.head.add(line: Span(_unsafeElements: line))
        // What follows a complete head is a trailer: read, and dropped.
        if wasComplete { return line.count }
        if transfer.head.violation != nil { return 0 }
        if completes {
            transfer.forbidReuseIfUnsafe()
            transfer.follower.delegate?.transferReceivedHead(transfer)
            // Of a tunnel either the client's bytes may go now, or none ever will.
            if transfer.isSendingPaused, transfer.head.status >= 300 || transfer.isTunnel {
                transfer.lane?.lanes.wakeUpload(transfer)
            }
        }
        return line.count
    }
}

func receiveBody(
    _ data: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int,
    _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let context = unsafe context else { return 0 }
    let bytes = unsafe UnsafeBufferPointer(
        start: UnsafeRawPointer(data)?.assumingMemoryBound(to: UInt8.self), count: size * count
    )
    return unsafe withTransfer(context) { transfer in
        guard bytes.count > 0 else { return 0 }
        let body = unsafe Span(_unsafeElements: bytes)
        if transfer.head.isChunked {
            transfer.takeChunks(body)
        } else {
            transfer.follower.take(body, of: transfer)
        }
        return bytes.count
    }
}

func sendBody(
    _ data: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int,
    _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let context = unsafe context else { return Int(CURL_READFUNC_ABORT) }
    let space = unsafe UnsafeMutableRawBufferPointer(start: data, count: size * count)
    return unsafe withTransfer(context) { transfer in
        switch unsafe transfer.follower.delegate?.transfer(transfer, fill: space) {
        case .bytes(let count):
            if transfer.isTunnel { transfer.upload.gave(count, room: space.count) }
            return count
        case .notYet:
            transfer.isSendingPaused = true
            return Int(CURL_READFUNC_PAUSE)
        case .end:
            return 0
        case .abort, nil:
            return Int(CURL_READFUNC_ABORT)
        }
    }
}

// Called right before a request is sent. On a pooled connection that dies before a byte of an
// answer libcurl would send the request again, up to five times, though the vendor may have acted
// on it; the second call is where that is refused, so that the decision is ours. It is also where
// libcurl says which connection it has chosen.
func beforeSending(
    _ context: UnsafeMutableRawPointer?, _ primary: UnsafeMutablePointer<CChar>?,
    _ local: UnsafeMutablePointer<CChar>?, _ primaryPort: Int32, _ localPort: Int32
) -> Int32 {
    guard let context = unsafe context else { return CURL_PREREQFUNC_ABORT }
    return unsafe withTransfer(context) { transfer in
        guard transfer.sendings == 0, let lanes = transfer.lane?.lanes else {
            transfer.sendings += 1
            return CURL_PREREQFUNC_ABORT
        }
        let isFit = lanes.hold(transfer, localPort: Int(localPort)) {
            unsafe primary.map { unsafe String(cString: $0) } ?? ""
        }
        guard isFit else {
            transfer.foundSurplus = true
            return CURL_PREREQFUNC_ABORT
        }
        transfer.sendings = 1
        transfer.sentAt = lanes.loop.now
        transfer.sending.lastSentAt = lanes.loop.now
        return CURL_PREREQFUNC_OK
    }
}
