import HTTP
import Primitives
import Testing

@Suite("PROXY protocol")
struct ProxyHeaderTests {
    private static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10]

    private static func header(
        _ family: UInt8, _ payload: [UInt8], command: UInt8 = 0x21, length: Int? = nil
    ) -> [UInt8] {
        let count = length ?? payload.count
        return signature + [command, family, UInt8(count >> 8), UInt8(count & 0xFF)] + payload
    }

    private static let four: [UInt8] = [192, 0, 2, 7, 10, 0, 0, 1, 0x1F, 0x90, 0x01, 0xBB]
    private static let six =
        [UInt8](repeating: 0x20, count: 16) + [UInt8](repeating: 0, count: 16) + [0, 1, 0, 2]

    @Test("names the client of TCP, and no address where there is none")
    func clients() {
        let more = [UInt8](repeating: 4, count: 300)
        for (bytes, client) in [
            (Self.header(0x11, Self.four), "192.0.2.7"),
            (Self.header(0x11, Self.four + more), "192.0.2.7"),
            (Self.header(0x21, Self.six), "2020:2020:2020:2020:2020:2020:2020:2020"),
            (Self.header(0x00, [], command: 0x20), nil),
            (Self.header(0x11, Self.four, command: 0x20), nil),
            (Self.header(0x00, []), nil),
            (Self.header(0x12, Self.four), nil), (Self.header(0x22, Self.six), nil),
            (Self.header(0x31, [UInt8](repeating: 0, count: 216)), nil),
        ] {
            #expect(
                ProxyHeader.read(bytes.span) == .whole(client: client.flatMap { IPAddress($0) }))
            // What follows is not looked at.
            let followed = bytes + Array("GET / HTTP/1.1\r\n".utf8)
            #expect(ProxyHeader.read(followed.span) == ProxyHeader.read(bytes.span))
        }
    }

    @Test("asks for no byte beyond itself, wherever it is cut")
    func cuts() {
        let bytes = Self.header(0x11, Self.four + [3, 0, 1, 9])
        for count in 0..<bytes.count {
            let start = Array(bytes.prefix(count))
            #expect(
                ProxyHeader.read(start.span) == .incomplete(needed: count < 16 ? 16 : bytes.count))
        }
    }

    @Test("anything else is none, from the first byte that is wrong")
    func malformed() {
        for index in Self.signature.indices {
            var bytes = Self.header(0x11, Self.four)
            bytes[index] ^= 1
            #expect(ProxyHeader.read(Array(bytes.prefix(index + 1)).span) == .malformed)
        }
        for bytes in [
            Array("GET / HTTP/1.1\r\n\r\n".utf8), Array("PROXY TCP4 192.0.2.7 ".utf8),
            Self.header(0x11, Self.four, command: 0x11),
            Self.header(0x11, Self.four, command: 0x22),
            Self.header(0x13, Self.four), Self.header(0x41, Self.four),
            Self.header(0x11, Array(Self.four.dropLast())), Self.header(0x21, Self.four),
            Self.header(0x12, Array(Self.four.dropLast())), Self.header(0x22, Self.four),
            Self.header(0x31, [UInt8](repeating: 0, count: 215)),
            Self.header(0x32, [UInt8](repeating: 0, count: 100)),
            Self.header(0x11, [], length: 4081),
        ] {
            #expect(ProxyHeader.read(bytes.span) == .malformed, "\(bytes)")
        }
    }
}
