/// One frame of a WebSocket, to be written.
package struct WebSocketFrame: Sendable {
    package var opcode: UInt8
    package var payload: [UInt8]
    package var isFinal = true
    package var isCompressed = false

    package init(
        _ opcode: UInt8, _ payload: [UInt8], isFinal: Bool = true, isCompressed: Bool = false
    ) {
        self.opcode = opcode
        self.payload = payload
        self.isFinal = isFinal
        self.isCompressed = isCompressed
    }

    package static func text(_ text: String) -> WebSocketFrame {
        WebSocketFrame(1, Array(text.utf8))
    }

    package static func close(_ code: UInt16, _ reason: String = "") -> WebSocketFrame {
        WebSocketFrame(8, [UInt8(code >> 8), UInt8(code & 0xFF)] + Array(reason.utf8))
    }

    /// The bytes of the frame; masked, where a key is given.
    package func bytes(mask: [UInt8]? = nil) -> [UInt8] {
        var bytes = [(isFinal ? 0x80 : 0) | (isCompressed ? 0x40 : 0) | opcode]
        let bit: UInt8 = mask == nil ? 0 : 0x80
        if payload.count < 126 {
            bytes.append(bit | UInt8(payload.count))
        } else if payload.count < 65_536 {
            bytes.append(bit | 126)
            bytes += [UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        } else {
            bytes.append(bit | 127)
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: payload.count >> shift))
            }
        }
        guard let mask else { return bytes + payload }
        return bytes + mask + payload.enumerated().map { $0.element ^ mask[$0.offset & 3] }
    }
}
