import Support
import Testbed
import Testing

@Suite("Cuts")
struct CutTests {
    @Test(
        "a stream that arrives byte by byte is the same stream",
        arguments: QuickRun.sample(
            [
                "/v1/chat/completions", "/v1/responses", "/v1/messages",
                "/v1beta/models/m:streamGenerateContent?alt=sse",
            ], every: 4))
    func byteByByte(_ path: String) throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let whole = try RawConnection(port: vendor.port).exchange(
            Request.chat(["Chunks": "2"], stream: true, path: path)
        )
        let cut = try RawConnection(port: gateway.port).exchange(
            Request.chat(["Chunks": "2", "Cut": "1"], stream: true, path: path)
        )
        #expect(cut.isWhole)
        #expect(cut.body == whole.body)
    }

    @Test("a response cut in two at any offset is the same response")
    func everyOffset() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let direct = try RawConnection(port: vendor.port)
        let client = try RawConnection(port: gateway.port)
        for isStream in [true, false] {
            let whole = try direct.exchange(Request.chat(["Chunks": "1"], stream: isStream))
            // The chunks' own framing is cut too.
            let framed = whole.body.count + whole.chunkSizes.count * 8
            for offset in 1..<framed {
                let cut = try client.exchange(
                    Request.chat(["Chunks": "1", "Cut-At": "\(offset)"], stream: isStream)
                )
                #expect(cut.isWhole && cut.body == whole.body, "at \(offset)")
            }
        }
    }

    @Test("a request cut in two at any offset, and sent byte by byte, is the same request")
    func requests() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let request = Array(Request.chat(["Chunks": "1"]).utf8)
        let client = try RawConnection(port: gateway.port)
        for pieces in ByteSplits.all(request) {
            for piece in pieces { try client.send(piece) }
            #expect(try client.response().status == 200)
        }
        let seen = try vendor.statistics()
        #expect(Set(seen.requests.map(\.bodyDigest)).count == 1)
        #expect(seen.requestCount == request.count + 1)
    }
}
