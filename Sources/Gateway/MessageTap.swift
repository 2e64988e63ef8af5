import Codings
import HTTP
import Primitives

/// Reads the messages of one direction of a WebSocket, their compression undone.
struct MessageTap: ~Copyable {
    private var reader: WebSocketReader
    private let isCompressionKnown: Bool
    private let keepsContext: Bool
    /// Made with the first message that needs it: most connections have none.
    private var inflater: MessageInflater?
    /// Whether the rest of the direction is unknown.
    private(set) var isLost: Bool

    init(isMasked: Bool, _ agreed: WebSocketExtensions, keepsContext: Bool) {
        reader = WebSocketReader(isMasked: isMasked)
        isCompressionKnown = agreed.isCompressed
        self.keepsContext = keepsContext
        isLost = !agreed.isKnown
    }

    /// Takes the next bytes, and lends what they show: texts, not what stands for them.
    mutating func take(
        _ bytes: Span<UInt8>, _ found: (WebSocketReader.Finding, Span<UInt8>) -> Void
    ) {
        guard !isLost else { return }
        var inflater = inflater
        var isLost = false
        let (isKnown, keepsContext) = (isCompressionKnown, keepsContext)
        reader.take(bytes) { finding, text in
            guard case .piece(let piece) = finding, piece.isCompressed else {
                if !isLost { found(finding, text) }
                return
            }
            if inflater == nil, isKnown { inflater = MessageInflater(keepsContext: keepsContext) }
            guard !isLost, let inflater else { return isLost = true }
            Self.inflate(piece, text, inflater, found)
            isLost = inflater.isBroken
        }
        self.inflater = inflater
        self.isLost = isLost || reader.isBroken
    }

    private static func inflate(
        _ piece: WebSocketReader.Piece, _ text: Span<UInt8>, _ inflater: MessageInflater,
        _ found: (WebSocketReader.Finding, Span<UInt8>) -> Void
    ) {
        var part = piece
        part.isLast = false
        let lend = { (bytes: Span<UInt8>) in
            found(.piece(part), bytes)
            part.isFirst = false
        }
        inflater.take(text, lend)
        guard piece.isLast else { return }
        inflater.endMessage(lend)
        part.isLast = true
        let none: [UInt8] = []
        if !inflater.isBroken { found(.piece(part), none.span) }
    }
}
