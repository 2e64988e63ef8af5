/// A network of IPv4 or IPv6, written `10.0.0.0/8` or `2001:db8::/32`.
///
/// An address alone is a network of one.
public struct IPNetwork: Sendable, Equatable, CustomStringConvertible {
    private let address: IPAddress
    private let bitCount: Int

    /// A network from its written form; nil when it is none, or has bits beyond its length.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard 1...2 ~= parts.count, let address = IPAddress(parts[0]) else { return nil }
        let width = address.bytes.count * 8
        var bitCount = width
        if parts.count == 2 {
            guard parts[1].utf8.allSatisfy({ 0x30...0x39 ~= $0 }), let count = Int(parts[1]),
                count <= width
            else { return nil }
            bitCount = count
        }
        for bit in bitCount..<width where address.bytes[bit / 8] & (0x80 >> UInt8(bit % 8)) != 0 {
            return nil
        }
        self.address = address
        self.bitCount = bitCount
    }

    /// Whether an address belongs to it.
    public func contains(_ other: IPAddress) -> Bool {
        guard other.bytes.count == address.bytes.count else { return false }
        let whole = bitCount / 8
        guard other.bytes[..<whole] == address.bytes[..<whole] else { return false }
        guard bitCount % 8 > 0 else { return true }
        let mask = UInt8(truncatingIfNeeded: 0xFF00 >> (bitCount % 8))
        return other.bytes[whole] & mask == address.bytes[whole]
    }

    /// The written form.
    public var description: String { "\(address)/\(bitCount)" }
}
