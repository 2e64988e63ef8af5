/// An address of IPv4 or IPv6, without a port.
///
/// An IPv4 address inside of IPv6 (`::ffff:192.0.2.1`) is the IPv4 address: a listener for both
/// families sees clients of IPv4 so.
public struct IPAddress: Sendable, Hashable, CustomStringConvertible {
    /// Its bytes in the order of the network: 4 or 16.
    public let bytes: [UInt8]

    private static let mappedPrefix: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]

    /// An address of 4 or 16 bytes; nil for any other number.
    public init?(_ bytes: [UInt8]) {
        if bytes.count == 16, bytes.starts(with: Self.mappedPrefix) {
            self.bytes = Array(bytes.suffix(4))
        } else if bytes.count == 4 || bytes.count == 16 {
            self.bytes = bytes
        } else {
            return nil
        }
    }

    /// An address from its written form, without brackets and without a zone; nil when it is none.
    public init?(_ text: some StringProtocol) {
        let bytes = text.contains(":") ? Self.sixteen(text) : Self.four(text)
        guard let bytes else { return nil }
        self.init(bytes)
    }

    private static func four(_ text: some StringProtocol) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            // A zero in front means octal to some readers and nothing to others.
            guard part.utf8.allSatisfy({ 0x30...0x39 ~= $0 }), let byte = UInt8(part),
                part.count == 1 || !part.hasPrefix("0")
            else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    private static func sixteen(_ text: some StringProtocol) -> [UInt8]? {
        let halves = text.split(separator: "::", omittingEmptySubsequences: false)
        guard 1...2 ~= halves.count, let head = groups(halves[0], isLast: halves.count == 1)
        else { return nil }
        guard halves.count == 2 else { return head.count == 16 ? head : nil }
        guard let tail = groups(halves[1], isLast: true), head.count + tail.count <= 14 else {
            return nil
        }
        return head + [UInt8](repeating: 0, count: 16 - head.count - tail.count) + tail
    }

    /// Groups of two bytes between colons; the last of the address may be one of IPv4.
    private static func groups(_ text: some StringProtocol, isLast: Bool) -> [UInt8]? {
        if text.isEmpty { return [] }
        var bytes: [UInt8] = []
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if part.contains("."), isLast, index == parts.count - 1 {
                guard let four = four(part) else { return nil }
                bytes += four
                continue
            }
            guard 1...4 ~= part.utf8.count, part.utf8.allSatisfy(\.isHexDigit),
                let group = UInt16(part, radix: 16)
            else { return nil }
            bytes += [UInt8(group >> 8), UInt8(group & 0xFF)]
        }
        return bytes.count <= 16 ? bytes : nil
    }

    /// Whether it is one of IPv6.
    public var isIPv6: Bool { bytes.count == 16 }

    /// The written form; of IPv6 as RFC 5952 has it.
    public var description: String {
        guard bytes.count == 16 else {
            return "\(bytes[0]).\(bytes[1]).\(bytes[2]).\(bytes[3])"
        }
        let groups = stride(from: 0, to: 16, by: 2).map {
            UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1])
        }
        let gap = Self.longestZeros(groups)
        let texts = groups.map { String($0, radix: 16) }
        guard gap.count > 1 else { return texts.joined(separator: ":") }
        return texts[..<gap.lowerBound].joined(separator: ":") + "::"
            + texts[gap.upperBound...].joined(separator: ":")
    }

    /// The first of the longest runs of zeros.
    private static func longestZeros(_ groups: [UInt16]) -> Range<Int> {
        var longest = 0..<0
        var start = 0
        for index in 0...groups.count where index == groups.count || groups[index] != 0 {
            if index - start > longest.count { longest = start..<index }
            start = index + 1
        }
        return longest
    }
}

extension UInt8 {
    fileprivate var isHexDigit: Bool {
        0x30...0x39 ~= self || 0x41...0x46 ~= self || 0x61...0x66 ~= self
    }
}
