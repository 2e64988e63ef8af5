import Glibc

/// Finds some secrets in bytes by their value, wherever they stand.
///
/// Each piece of a body is looked through, so it costs next to nothing where none is: the bytes are
/// searched for a few that are rare in texts, such that each secret holds one of them, and only
/// what stands around those is compared.
public struct SecretMask: Sendable {
    /// Shorter ones are words, and would be found everywhere.
    public static let secretBytesMin = 8

    private struct Pattern: Sendable {
        let bytes: [UInt8]
        /// Where in it the rare byte first stands.
        let anchor: Int
    }

    private struct Group: Sendable {
        let byte: UInt8
        var patterns: [Pattern]
    }

    private var groups: [Group] = []
    /// Bytes that some secret holds, a bit each: a text that ends in another ends no part of one.
    private var members: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    private var longest = 0

    /// A mask of these secrets, as they are and as programs encode them: see ``SecretForms``.
    public init(_ secrets: [Secret]) {
        var forms: Set<[UInt8]> = []
        for secret in secrets {
            let text = secret.reveal()
            guard text.utf8.count >= Self.secretBytesMin else { continue }
            let plain = Array(text.utf8)
            forms.formUnion(SecretForms.all(of: plain))
            // A field's value may name a scheme before the secret itself.
            if let space = plain.lastIndex(of: 0x20), plain.count - space > Self.secretBytesMin {
                forms.formUnion(SecretForms.all(of: Array(plain[(space + 1)...])))
            }
        }
        // In a fixed order, so that the same secrets always cost the same.
        for bytes in forms.sorted(by: { $0.lexicographicallyPrecedes($1) }) { add(bytes) }
    }

    /// Whether there is nothing to find.
    public var isEmpty: Bool { groups.isEmpty }

    /// The longest form of a secret.
    public var bytesMax: Int { longest }

    /// A mask of the secrets of both.
    public func joined(with other: SecretMask) -> SecretMask {
        var joined = SecretMask([])
        let all = Set((groups + other.groups).flatMap(\.patterns).map(\.bytes))
        for bytes in all.sorted(by: { $0.lexicographicallyPrecedes($1) }) { joined.add(bytes) }
        return joined
    }

    private mutating func add(_ bytes: [UInt8]) {
        longest = max(longest, bytes.count)
        for byte in bytes { setMember(byte) }
        if let index = groups.firstIndex(where: { bytes.contains($0.byte) }),
            let anchor = bytes.firstIndex(of: groups[index].byte)
        {
            return groups[index].patterns.append(Pattern(bytes: bytes, anchor: anchor))
        }
        let rarest = bytes.indices.min { Self.commonness(bytes[$0]) < Self.commonness(bytes[$1]) }
        guard let anchor = rarest, let first = bytes.firstIndex(of: bytes[anchor]) else { return }
        groups.append(
            Group(byte: bytes[first], patterns: [Pattern(bytes: bytes, anchor: first)]))
    }

    /// How often a byte stands in prompts, answers and JSON, roughly.
    private static func commonness(_ byte: UInt8) -> Int {
        switch byte {
        case UInt8(ascii: "Q"), UInt8(ascii: "Z"), UInt8(ascii: "X"), UInt8(ascii: "J"): 0
        case UInt8(ascii: "K"), UInt8(ascii: "V"), UInt8(ascii: "Y"), UInt8(ascii: "W"): 1
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): 2
        case UInt8(ascii: "q"), UInt8(ascii: "z"), UInt8(ascii: "j"), UInt8(ascii: "x"): 3
        case UInt8(ascii: "0")...UInt8(ascii: "9"): 4
        case UInt8(ascii: "k"), UInt8(ascii: "v"), UInt8(ascii: "b"), UInt8(ascii: "w"): 5
        case UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "/"), UInt8(ascii: "+"): 6
        case UInt8(ascii: "a")...UInt8(ascii: "z"): 8
        default: 7
        }
    }

    /// Where the first secret at or after an offset stands; nil where none does.
    public func first(in text: Span<UInt8>, from offset: Int = 0) -> Range<Int>? {
        var found: Range<Int>?
        for group in groups {
            var index = offset
            while let candidate = text.firstRareIndex(of: group.byte, from: index) {
                if let found, candidate - longest >= found.lowerBound { break }
                for pattern in group.patterns {
                    let start = candidate - pattern.anchor
                    let isThere =
                        start >= offset && start + pattern.bytes.count <= text.count
                        && text.extracting(start..<start + pattern.bytes.count)
                            .equals(pattern.bytes.span)
                    guard isThere, start < found?.lowerBound ?? .max else { continue }
                    found = start..<start + pattern.bytes.count
                }
                index = candidate + 1
            }
        }
        return found
    }

    /// Bytes at the end of a text that may be the beginning of a secret: what follows decides.
    public func undecided(atEndOf text: Span<UInt8>) -> Int {
        guard text.count > 0, isMember(text[text.count - 1]) else { return 0 }
        var most = 0
        for group in groups {
            for pattern in group.patterns {
                var length = min(pattern.bytes.count - 1, text.count)
                while length > most {
                    let isPrefix = text.extracting(text.count - length..<text.count)
                        .equals(pattern.bytes.span.extracting(0..<length))
                    if isPrefix { most = length }
                    length -= 1
                }
            }
        }
        return most
    }

    /// Appends a text with an asterisk instead of each byte of a secret, so that it keeps its
    /// length.
    public func write(_ text: Span<UInt8>, to output: inout ByteBuffer) {
        var start = 0
        while let range = first(in: text, from: start) {
            output.append(text.extracting(start..<range.lowerBound))
            for _ in range { output.append(byte: UInt8(ascii: "*")) }
            start = range.upperBound
        }
        output.append(text.extracting(start..<text.count))
    }

    private mutating func setMember(_ byte: UInt8) {
        let bit = UInt64(1) << UInt64(byte & 63)
        switch byte >> 6 {
        case 0: members.0 |= bit
        case 1: members.1 |= bit
        case 2: members.2 |= bit
        default: members.3 |= bit
        }
    }

    private func isMember(_ byte: UInt8) -> Bool {
        let bit = UInt64(1) << UInt64(byte & 63)
        return switch byte >> 6 {
        case 0: members.0 & bit != 0
        case 1: members.1 & bit != 0
        case 2: members.2 & bit != 0
        default: members.3 & bit != 0
        }
    }
}

extension Span where Element == UInt8 {
    /// Where a byte first stands at or after an offset, by the C library's search: the fastest
    /// there is for a byte that is rare.
    fileprivate func firstRareIndex(of byte: UInt8, from offset: Int) -> Int? {
        guard offset < count else { return nil }
        return unsafe withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return nil }
            let found = unsafe memchr(base + offset, Int32(byte), bytes.count - offset)
            return unsafe found.map { unsafe UnsafeRawPointer($0) - base }
        }
    }
}
