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
    /// Whether nothing came out of a compressed message yet: its first bytes may hold no text.
    private var isAtStart = false
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
        var isAtStart = isAtStart
        let (isKnown, keepsContext) = (isCompressionKnown, keepsContext)
        reader.take(bytes) { finding, text in
            guard case .piece(let piece) = finding, piece.isCompressed else {
                if !isLost { found(finding, text) }
                return
            }
            if inflater == nil, isKnown { inflater = MessageInflater(keepsContext: keepsContext) }
            guard !isLost, let inflater else { return isLost = true }
            if piece.isFirst { isAtStart = true }
            Self.inflate(piece, text, inflater, &isAtStart, found)
            isLost = inflater.isBroken
        }
        self.inflater = inflater
        self.isAtStart = isAtStart
        self.isLost = isLost || reader.isBroken
    }

    private static func inflate(
        _ piece: WebSocketReader.Piece, _ text: Span<UInt8>, _ inflater: MessageInflater,
        _ isAtStart: inout Bool, _ found: (WebSocketReader.Finding, Span<UInt8>) -> Void
    ) {
        var part = piece
        part.isLast = false
        part.isFirst = isAtStart
        let lend = { (bytes: Span<UInt8>) in
            found(.piece(part), bytes)
            part.isFirst = false
        }
        inflater.take(text, lend)
        if piece.isLast { inflater.endMessage(lend) }
        isAtStart = part.isFirst
        guard piece.isLast else { return }
        part.isLast = true
        let none: [UInt8] = []
        if !inflater.isBroken { found(.piece(part), none.span) }
    }
}
