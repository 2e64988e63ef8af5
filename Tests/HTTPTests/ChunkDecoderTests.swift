import HTTP
import Primitives
import Support
import Testing

@Suite("Chunks of a response")
struct ChunkDecoderTests {
    /// The result of a decoder for a text that comes in these pieces.
    private static func decode(
        _ pieces: [ArraySlice<UInt8>]
    ) -> (text: String, pieces: Int, decoder: ChunkDecoder) {
        var decoder = ChunkDecoder()
        var data: [UInt8] = []
        var count = 0
        for piece in pieces {
            let bytes = Array(piece)
            var offset = 0
            while let range = decoder.next(in: bytes.span, from: &offset) {
                data += bytes[range]
                count += 1
            }
        }
        return (String(decoding: data, as: UTF8.self), count, decoder)
    }

    private static let bodies: [(text: String, data: String, surplus: Int, isComplete: Bool)] = [
        ("0\r\n\r\n", "", 0, true),
        ("5\r\nhello\r\n0\r\n\r\n", "hello", 0, true),
        ("5;a=\"b\"\r\nhello\r\n1 \r\n!\r\n00\r\nX: y\r\nZ: 1\r\n\r\n", "hello!", 0, true),
        ("A\r\n0123456789\r\n0\r\n\r\nHTTP/1.1 200", "0123456789", 12, true),
        ("5\nhello\n0\n\n", "hello", 0, true),
        ("5\r\nhello\r\n", "hello", 0, false),
        ("5\r\nhel", "hel", 0, false),
        ("0\r\n", "", 0, false),
        ("0\r\nX: y\r\n", "", 0, false),
    ]

    @Test("are the same whole, byte by byte, and cut in two anywhere", arguments: bodies)
    func cuts(_ body: (text: String, data: String, surplus: Int, isComplete: Bool)) {
        let bytes = Array(body.text.utf8)
        var ways = [[bytes[...]], bytes.indices.map { bytes[$0...$0] }]
        ways += bytes.indices.map { [bytes[..<$0], bytes[$0...]] }
        for way in ways {
            let (text, _, decoder) = Self.decode(way)
            #expect(text == body.data)
            #expect(decoder.surplusBytes == body.surplus)
            #expect(decoder.isComplete == body.isComplete)
            #expect(!decoder.isMalformed)
            #expect(decoder.hasBegun)
        }
    }

    @Test(
        "that are none are faults",
        arguments: [
            "x\r\n", "\r\n", " 5\r\nhello", "5\r\nhelloX", "FFFFFFFFFFFFFFFF\r\n", "-1\r\n",
        ])
    func malformed(_ text: String) {
        let (_, _, decoder) = Self.decode([Array(text.utf8)[...]])
        #expect(decoder.isMalformed && !decoder.isComplete)
    }

    @Test("stay the pieces that they came in")
    func pieces() {
        let bytes = Array("3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n".utf8)
        #expect(Self.decode([bytes[...]]).pieces == 2)
    }
}
