/// A kind of token that may have a price of its own.
public enum TokenKind: String, CaseIterable, Sendable {
    case input
    case output
    case cacheRead = "cache_read"
    case cacheWrite = "cache_write"
    case cacheWriteLong = "cache_write_long"
    case imageInput = "image_input"
    case imageOutput = "image_output"
    case audioInput = "audio_input"
    case audioOutput = "audio_output"
    case reasoning

    /// The kind whose price holds where this one has none; nil for those that every model has.
    public var fallback: TokenKind? {
        switch self {
        case .input, .output: nil
        case .cacheRead, .cacheWrite, .imageInput, .audioInput: .input
        case .cacheWriteLong: .cacheWrite
        case .imageOutput, .audioOutput, .reasoning: .output
        }
    }
}

extension Usage {
    /// The tokens of a kind that are of no other: summed over all kinds, each token counts once.
    public func count(of kind: TokenKind) -> Int {
        switch kind {
        case .input:
            let others = [cacheRead, cacheWrite, cacheWriteLong, imageInput, audioInput]
            return max(0, (input ?? 0) - others.reduce(0) { $0 + ($1 ?? 0) })
        case .output:
            let others = [imageOutput, audioOutput, reasoning]
            return max(0, (output ?? 0) - others.reduce(0) { $0 + ($1 ?? 0) })
        case .cacheRead: return cacheRead ?? 0
        case .cacheWrite: return cacheWrite ?? 0
        case .cacheWriteLong: return cacheWriteLong ?? 0
        case .imageInput: return imageInput ?? 0
        case .imageOutput: return imageOutput ?? 0
        case .audioInput: return audioInput ?? 0
        case .audioOutput: return audioOutput ?? 0
        case .reasoning: return reasoning ?? 0
        }
    }
}
