import CCurl
import HTTP
import Reactor

/// What libcurl has been given for the vendor of a tunnel.
struct TunnelUpload {
    /// Whether the client has sent more, which goes out at the end of the turn.
    var isFilled = false
    /// Whether something waits until the kernel takes bytes again.
    var isHeldUp = false
    /// Whether the vendor has closed its end.
    var isOver = false
    /// Whether libcurl sends just now: what it leaves unread when that fails is the vendor's last.
    var isSending = false
    /// Whether there was less than libcurl had room for when it last asked.
    private(set) var isShort = false
    private(set) var givenBytes = 0

    mutating func begin() {
        isShort = false
    }

    mutating func gave(_ count: Int, room: Int) {
        isShort = count < room
        givenBytes += count
    }
}

extension Transfer {
    /// Whether a tunnel's vendor has been sent all that libcurl was given for it.
    var hasSentUpload: Bool {
        unsafe ccurl_easy_info_offset(easy, CURLINFO_SIZE_UPLOAD_T) >= Int64(upload.givenBytes)
    }

    /// Whether the transfer is a tunnel whose vendor has been asked and has not answered.
    var isAskedTunnel: Bool { isTunnel && sendings == 1 && isSendingPaused && !head.isComplete }

    /// What a tunnel's socket is watched for.
    ///
    /// Once it is open, libcurl wants to write all the time. The socket is watched for that only
    /// while bytes wait.
    var interest: Interest {
        isOpenTunnel && !upload.isHeldUp ? wanted.subtracting(.write) : wanted
    }
}
