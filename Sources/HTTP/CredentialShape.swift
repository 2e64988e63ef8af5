import Primitives

/// The shapes of keys, found wherever a value stands.
public enum CredentialShape {
    /// Shorter values are ordinary words.
    private static let bytesMin = 20

    /// Where the first whole token at or after an offset stands that looks like a key; nil where
    /// none does.
    public static func next(in text: Span<UInt8>, from offset: Int = 0) -> Range<Int>? {
        var start = offset
        while start + bytesMin <= text.count {
            // No byte is looked at twice, and most not at all: where the last byte of the shortest
            // key that could begin here is none of a key's, no key begins before it.
            var begin = start + bytesMin
            while begin > start, text[begin - 1].isOfToken { begin -= 1 }
            guard begin == start else {
                start = begin
                continue
            }
            var end = start + bytesMin
            while end < text.count, text[end].isOfToken { end += 1 }
            let token = text.extracting(start..<end)
            if isKey(token) { return start..<end }
            // The gateway's own keys are known behind other text, too: they open the gateway.
            if let own = token.firstRange(of: ownKey), token.count - own.lowerBound >= bytesMin {
                return start + own.lowerBound..<end
            }
            start = end + 1
        }
        return nil
    }

    /// What keys of this gateway begin with.
    private static let ownKey: StaticString = "weir_"

    /// Whether a text may hold a key of this gateway, wherever it begins.
    static func holdsOwnKey(_ text: Span<UInt8>) -> Bool {
        guard text.count >= bytesMin, let own = text.firstRange(of: ownKey) else { return false }
        return text.count - own.lowerBound >= bytesMin
    }

    private static func isKey(_ token: Span<UInt8>) -> Bool {
        switch token[0] {
        case UInt8(ascii: "s"):
            return token.hasPrefix("sk-") || token.hasPrefix("sk_") || token.hasPrefix("sess-")
        case UInt8(ascii: "A"):
            return token.hasPrefix("AIza") || token.hasPrefix("ABSK") || token.hasPrefix("AQ.")
                || token.hasPrefix("AKIA") || token.hasPrefix("ASIA")
        case UInt8(ascii: "e"):
            return token.hasPrefix("eyJ") && isWebToken(token) || token.hasPrefix("ek_")
        case UInt8(ascii: "g"):
            return token.hasPrefix("gh") && token[3] == UInt8(ascii: "_")
                || token.hasPrefix("github_pat_") || token.hasPrefix("gsk_")
                || token.hasPrefix("glpat-")
        case UInt8(ascii: "h"): return token.hasPrefix("hf_")
        case UInt8(ascii: "n"): return token.hasPrefix("nvapi-") || token.hasPrefix("npm_")
        case UInt8(ascii: "p"): return token.hasPrefix("pplx-")
        case UInt8(ascii: "r"): return token.hasPrefix("rk_")
        case UInt8(ascii: "w"): return token.hasPrefix("weir_")
        case UInt8(ascii: "x"):
            return token.hasPrefix("xox") || token.hasPrefix("xai-") || token.hasPrefix("xapp-")
        case UInt8(ascii: "y"): return token.hasPrefix("ya29.")
        default: return false
        }
    }

    /// Whether a token has the three parts of a signed JWT, or the five of an encrypted one.
    private static func isWebToken(_ token: Span<UInt8>) -> Bool {
        var parts = 1
        var length = 0
        for index in token.indices {
            if token[index] == UInt8(ascii: ".") {
                // An encrypted one may have no key of its own: its second part is empty.
                guard length > 0 || parts == 2 else { return false }
                parts += 1
                length = 0
            } else {
                length += 1
            }
        }
        return (parts == 3 || parts == 5) && length > 0
    }
}

extension UInt8 {
    /// Whether a byte can stand in a key: what ends one is a space, a quote or a separator.
    fileprivate var isOfToken: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
            UInt8(ascii: "."):
            true
        default: false
        }
    }
}
