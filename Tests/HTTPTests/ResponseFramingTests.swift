import HTTP
import Primitives
import Testing

@Suite("Response framing")
struct ResponseFramingTests {
    private static func framing(
        _ status: Int = 200, head: Bool = false, length: Int? = nil, minor: Int = 1
    ) -> ResponseFraming {
        ResponseFraming(
            status: status, isHeadRequest: head, contentLength: length, clientMinorVersion: minor
        )
    }

    @Test("follows from status, method, length and the client's version")
    func choice() {
        #expect(Self.framing(length: 5) == .length(5))
        #expect(Self.framing() == .chunked)
        #expect(Self.framing(minor: 0) == .close)
        #expect(Self.framing(length: 5, minor: 0) == .length(5))
        #expect(Self.framing(head: true, length: 5) == .none)
        #expect(Self.framing(204) == .none)
        #expect(Self.framing(304, length: 5) == .none)
    }

    @Test("writes one chunk a piece, and an end of its own")
    func chunks() {
        var output = ByteBuffer()
        let framing = ResponseFraming.chunked
        framing.write(Array("hello".utf8).span, to: &output)
        framing.write([UInt8]().span, to: &output)
        framing.write([UInt8](repeating: 0x78, count: 16).span, to: &output)
        framing.writeEnd(to: &output)
        #expect(output.bytes.text == "5\r\nhello\r\n10\r\nxxxxxxxxxxxxxxxx\r\n0\r\n\r\n")
    }

    @Test("passes bytes on as they are where nothing frames them")
    func plain() {
        for framing in [ResponseFraming.length(5), .close] {
            var output = ByteBuffer()
            framing.write(Array("hello".utf8).span, to: &output)
            framing.writeEnd(to: &output)
            #expect(output.bytes.text == "hello")
        }
        var output = ByteBuffer()
        ResponseFraming.none.write(Array("hello".utf8).span, to: &output)
        #expect(output.isEmpty == true)
    }
}
