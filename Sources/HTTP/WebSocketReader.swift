import Primitives

/// Reads the frames of one direction of a WebSocket (RFC 6455, 5.2) from bytes cut anywhere.
///
/// It only looks, and keeps nothing of a message: pieces are lent as they come. Where it meets
/// bytes that are no frame, it reads nothing more.
public struct WebSocketReader: ~Copyable {
    /// What was read.
    public enum Finding: Equatable, Sendable {
        /// A piece of a message, its mask undone; an end may be a piece of no bytes.
        case piece(Piece)
        /// A ping or a pong, whole.
        case ping, pong
        /// The farewell; `code` is nil where it gives none. The reason is lent.
        case close(code: Int?)
    }

    /// What a piece of a message is.
    public struct Piece: Equatable, Sendable {
        /// Whether the message is one of text.
        public var isText: Bool
        /// Whether an extension has changed it: its first frame has the first reserved bit.
        public var isCompressed: Bool
        /// Whether it is the message's first piece.
        public var isFirst = false
        /// Whether it is the message's last piece.
        public var isLast = false
    }

    private static let pieceBytesMax = 16 << 10

    private let isMasked: Bool
    private var header = InlineArray<14, UInt8>(repeating: 0)
    private var headerCount = 0
    /// Bytes of the header, as far as its first two bytes say; 2 before.
    private var headerLength = 2
    /// Bytes of the payload still to come, where the header is whole.
    private var left = 0
    private var isInPayload = false
    private var maskIndex = 0
    /// The message that is open.
    private var message: Piece?
    /// A control frame's payload, and a piece of a message, as they read.
    private var control = ByteBuffer()
    private var unmasked = ByteBuffer()

    /// Whether something came that is no frame.
    public private(set) var isBroken = false
    /// Whole messages so far.
    public private(set) var messageCount = 0

    /// A reader of a direction whose frames are masked, as a client's are, or not.
    public init(isMasked: Bool) {
        self.isMasked = isMasked
    }

    /// Takes the next bytes, and lends what they show.
    public mutating func take(_ bytes: Span<UInt8>, _ found: (Finding, Span<UInt8>) -> Void) {
        var offset = 0
        while offset < bytes.count, !isBroken {
            if !isInPayload {
                header[headerCount] = bytes[offset]
                headerCount += 1
                offset += 1
                if headerCount == 2 { readLengths() }
                if isBroken { return }
                guard headerCount >= 2, headerCount == headerLength else { continue }
                beginPayload()
                guard !isBroken else { return }
            }
            let count = min(left, bytes.count - offset, Self.pieceBytesMax)
            left -= count
            takePayload(bytes.extracting(offset..<offset + count), found)
            offset += count
        }
    }

    // MARK: Header

    private var opcode: UInt8 { header[0] & 0x0F }
    private var isFinal: Bool { header[0] & 0x80 != 0 }
    private var isControl: Bool { opcode & 0x08 != 0 }

    private mutating func readLengths() {
        let length = header[1] & 0x7F
        headerLength = 2 + (length == 127 ? 8 : length == 126 ? 2 : 0) + (isMasked ? 4 : 0)
        // Masked is what it must be, no more bits are reserved than one for an extension, and a
        // control frame is short and whole.
        isBroken =
            (header[1] & 0x80 != 0) != isMasked || header[0] & 0x30 != 0
            || isControl && (length > 125 || !isFinal || header[0] & 0x40 != 0)
    }

    private mutating func beginPayload() {
        var length = Int(header[1] & 0x7F)
        if length >= 126 {
            let end = length == 127 ? 10 : 4
            length = 0
            // Sixty-three bits at most: the highest must be zero.
            isBroken = end == 10 && header[2] & 0x80 != 0
            if isBroken { return }
            for index in 2..<end { length = length << 8 | Int(header[index]) }
        }
        left = length
        maskIndex = 0
        isInPayload = true
        switch opcode {
        case 0: isBroken = message == nil || header[0] & 0x40 != 0
        case 1, 2:
            isBroken = message != nil
            message = Piece(
                isText: opcode == 1, isCompressed: header[0] & 0x40 != 0, isFirst: true)
        case 8, 9, 10: control.removeAll()
        default: isBroken = true
        }
    }

    // MARK: Payload

    private mutating func takePayload(
        _ bytes: Span<UInt8>, _ found: (Finding, Span<UInt8>) -> Void
    ) {
        let isEnd = left == 0
        guard !isControl else {
            unmaskControl(bytes)
            if isEnd { endControl(found) }
            return
        }
        guard var piece = message else { return }
        piece.isLast = isEnd && isFinal
        if bytes.count > 0 || piece.isLast || piece.isFirst {
            if isMasked {
                unmaskMessage(bytes)
                found(.piece(piece), unmasked.bytes)
            } else {
                found(.piece(piece), bytes)
            }
        }
        message?.isFirst = false
        if isEnd { endFrame() }
        if piece.isLast {
            message = nil
            messageCount += 1
            unmasked.release()
        }
    }

    private mutating func endControl(_ found: (Finding, Span<UInt8>) -> Void) {
        switch opcode {
        case 9: found(.ping, control.bytes)
        case 10: found(.pong, control.bytes)
        default:
            let hasCode = control.count >= 2
            let code = hasCode ? Int(control.bytes[0]) << 8 | Int(control.bytes[1]) : nil
            found(.close(code: code), control.bytes(min(2, control.count)..<control.count))
        }
        endFrame()
    }

    private mutating func endFrame() {
        isInPayload = false
        headerCount = 0
        headerLength = 2
    }

    /// The four bytes that mask the payload.
    private var maskKey: [4 of UInt8] {
        guard isMasked else { return [0, 0, 0, 0] }
        let start = headerLength - 4
        return [header[start], header[start + 1], header[start + 2], header[start + 3]]
    }

    private mutating func unmaskControl(_ bytes: Span<UInt8>) {
        control.append(bytes, unmaskedBy: maskKey, phase: maskIndex)
        maskIndex = (maskIndex + bytes.count) & 3
    }

    private mutating func unmaskMessage(_ bytes: Span<UInt8>) {
        unmasked.removeAll()
        unmasked.append(bytes, unmaskedBy: maskKey, phase: maskIndex)
        maskIndex = (maskIndex + bytes.count) & 3
    }
}
