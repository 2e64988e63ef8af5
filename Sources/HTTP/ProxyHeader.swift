public import Primitives

/// The header of PROXY protocol, version 2: a load balancer says whose connection it passes on.
///
/// Source: haproxy.org, proxy-protocol.txt.
public enum ProxyHeader {
    /// What the bytes so far are.
    public enum Reading: Equatable, Sendable {
        /// The beginning of a header; so many bytes are needed in all before more can be said.
        case incomplete(needed: Int)
        /// A whole header; the client's address, or nil where the balancer speaks for itself or
        /// names none.
        case whole(client: IPAddress?)
        /// No header.
        case malformed
    }

    /// Bytes of a header at most: what follows the addresses may be long.
    public static let bytesMax = 4096

    private static let signature: [UInt8] = [
        0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A,
    ]
    private static let fixedBytes = 16

    /// Reads the beginning of a connection, and never beyond the header that it asks for.
    public static func read(_ bytes: Span<UInt8>) -> Reading {
        for index in 0..<min(bytes.count, signature.count)
        where bytes[index] != signature[index] { return .malformed }
        guard bytes.count >= fixedBytes else { return .incomplete(needed: fixedBytes) }
        let (version, command) = (bytes[12] >> 4, bytes[12] & 0x0F)
        guard version == 2, command <= 1 else { return .malformed }
        let length = Int(bytes[14]) << 8 | Int(bytes[15])
        let total = fixedBytes + length
        guard total <= bytesMax else { return .malformed }
        guard bytes.count >= total else { return .incomplete(needed: total) }
        // A check of the balancer's own.
        guard command == 1 else { return .whole(client: nil) }
        let client: Range<Int>?
        let addressesBytes: Int
        switch bytes[13] {
        // Nothing is known of the client.
        case 0x00: (client, addressesBytes) = (nil, 0)
        case 0x11: (client, addressesBytes) = (0..<4, 12)
        case 0x21: (client, addressesBytes) = (0..<16, 36)
        // A datagram's or a local socket's: there is a client, and no address of it.
        case 0x12: (client, addressesBytes) = (nil, 12)
        case 0x22: (client, addressesBytes) = (nil, 36)
        case 0x31, 0x32: (client, addressesBytes) = (nil, 216)
        default: return .malformed
        }
        guard length >= addressesBytes else { return .malformed }
        return .whole(
            client: client.flatMap { IPAddress($0.map { bytes[fixedBytes + $0] }) })
    }
}
