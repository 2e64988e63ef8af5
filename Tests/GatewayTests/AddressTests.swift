import LogStore
import Support
import Synchronization
import Testing

/// Addresses of vendors in answers, which lead past the gateway unless they become its own.
@Suite("Addresses in answers")
struct AddressTests {
    /// A vendor that answers each request by its path, and what it was asked.
    private final class Vendor: Sendable {
        private let server: ByteVendor
        private let box: Box

        private final class Box: Sendable {
            let heads = Mutex<[String]>([])
        }

        var port: Int { server.port }
        var heads: [String] { box.heads.withLock { $0 } }

        init() throws {
            let box = Box()
            self.box = box
            let own = Mutex(0)
            server = try ByteVendor { connection, _ in
                while true {
                    let request = try connection.request()
                    box.heads.withLock { $0.append(request.head) }
                    let port = own.withLock { $0 }
                    try connection.send(Self.answer(request.head, port))
                }
            }
            let port = server.port
            own.withLock { $0 = port }
        }

        func stop() { server.stop() }

        private static func answer(_ head: String, _ port: Int) -> String {
            let base = "http://127.0.0.1:\(port)"
            if head.contains("/results") { return "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}" }
            if head.hasPrefix("POST /upload/") {
                return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
                    + "X-Goog-Upload-URL: \(base)/upload/v1beta/files?upload_id=u1\r\n"
                    + "X-Goog-Upload-Control-URL: \(base)/upload/c?upload_id=u1\r\n"
                    + "Content-Location: //127.0.0.1:\(port)/v1beta/x\r\n"
                    + "Location: https://elsewhere.test/a\r\n\r\n"
            }
            if head.hasPrefix("GET /v1/files/") {
                return "HTTP/1.1 307 Temporary Redirect\r\nContent-Length: 0\r\n"
                    + "location: \(base)/v1/other\r\n\r\n"
            }
            let body = "{\"id\":\"b\",\"results_url\":\"\(base)/v1/messages/batches/b/results\"}"
            return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        }
    }

    private static func gateway(
        _ first: Int, _ second: Int, rewrites: Bool = true
    ) throws -> TestGateway {
        let vendors = [("v0", first), ("v1", second)].map { name, port in
            """
            [vendors.\(name)]
            dialect = "anthropic"
            base_url = "http://127.0.0.1:\(port)"
            credential = "env:OWN"
            rewrite_urls = \(rewrites)

            """
        }
        return try TestGateway(
            vendors.joined() + """
                [vendors.g]
                dialect = "gemini"
                base_url = "http://127.0.0.1:\(second)"
                credential = "none"
                rewrite_urls = \(rewrites)
                [[chains]]
                name = "c"
                prefix = "/team"
                targets = [{ vendor = "v0" }, { vendor = "v1" }, { vendor = "g" }]
                """)
    }

    /// Path and query of an address of the gateway's.
    private static func target(_ url: String, _ gateway: TestGateway) -> String? {
        let base = "http://localhost:\(gateway.port)"
        return url.hasPrefix(base) ? String(url.dropFirst(base.count)) : nil
    }

    @Test("become the gateway's, which leads back to the vendor that gave them, and say so")
    func batches() throws {
        let down = try ByteVendor.closedPort()
        let vendor = try Vendor()
        defer { vendor.stop() }
        let gateway = try Self.gateway(down, vendor.port)
        let client = try RawConnection(port: gateway.port)
        let host = "Host: localhost:\(gateway.port)\r\n"
        // The first vendor is down: the batch is the second's.
        let answer = try client.exchange(
            "GET /team/v1/messages/batches/b HTTP/1.1\r\n\(host)accept-encoding: gzip\r\n\r\n")
        #expect(answer.status == 200 && answer["x-weir-rewritten"] == "results_url")
        #expect(answer["transfer-encoding"] == "chunked" && answer["content-length"] == nil)
        #expect(vendor.heads.last?.lowercased().contains("accept-encoding") == false)
        let start = try #require(answer.text.firstRange(of: "http://"))
        let url = String(answer.text[start.lowerBound...].prefix { $0 != "\"" })
        let target = try #require(Self.target(url, gateway), "\(url)")
        #expect(target == "/team/v1/messages/batches/b/results?x-weir-vendor=v1")
        let results = try client.exchange("GET \(target) HTTP/1.1\r\n\(host)\r\n")
        #expect(results.status == 200 && results["x-weir-vendor"] == "v1")
        #expect(results["x-weir-attempts"] == "1")
        #expect(
            vendor.heads.last?.hasPrefix("GET /v1/messages/batches/b/results HTTP/1.1\r\n")
                ?? false)
        let elsewhere = try client.exchange(
            "GET \(target.replacing("=v1", with: "=v7")) HTTP/1.1\r\n\(host)\r\n")
        #expect(elsewhere.status == 404)
        #expect(elsewhere.text.contains("address_of_another_vendor"))
        gateway.stop()
        let record = try #require(try gateway.record.records().first)
        #expect(record.responseFields.contains("x-weir-rewritten: results_url"))
        let kept = String(decoding: record.responseBody.bytes, as: UTF8.self)
        #expect(kept.contains("http://127.0.0.1:\(vendor.port)/v1/messages/batches/b/results"))
    }

    @Test("in fields become the gateway's, those of others do not")
    func fields() throws {
        let vendor = try Vendor()
        defer { vendor.stop() }
        let gateway = try Self.gateway(vendor.port, vendor.port)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        let upload = try client.exchange(
            "POST /team/upload/v1beta/files HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 0\r\n"
                + "X-Forwarded-Proto: https\r\n\r\n")
        // A name that is not this machine's is refused on loopback.
        #expect(upload.status == 421)
        let second = try RawConnection(port: gateway.port)
        let answer = try second.exchange(
            "POST /team/upload/v1beta/files HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n"
                + "X-Forwarded-Proto: https\r\n\r\n")
        #expect(
            answer["x-goog-upload-url"]
                == "https://localhost/team/upload/v1beta/files?upload_id=u1&x-weir-vendor=g")
        #expect(answer["location"] == "https://elsewhere.test/a")
        #expect(
            answer["x-goog-upload-control-url"]
                == "https://localhost/team/upload/c?upload_id=u1&x-weir-vendor=g")
        #expect(answer["content-location"] == "https://localhost/team/v1beta/x?x-weir-vendor=g")
        #expect(
            answer["x-weir-rewritten"]
                == "content-location, x-goog-upload-url, x-goog-upload-control-url")
        let redirect = try second.exchange(
            "GET /team/v1/files/f HTTP/1.1\r\nHost: localhost\r\nx-api-key: a\r\n\r\n")
        #expect(redirect.status == 307)
        #expect(redirect["location"] == "http://localhost/team/v1/other?x-weir-vendor=v0")
    }

    @Test("stay as they are by default, and a parameter of this name is the client's own")
    func untouched() throws {
        let vendor = try Vendor()
        defer { vendor.stop() }
        let gateway = try Self.gateway(vendor.port, vendor.port, rewrites: false)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        let answer = try client.exchange(
            Request.get("/team/v1/messages/batches/b?x-weir-vendor=v1", "accept-encoding: gzip\r\n")
        )
        #expect(answer["x-weir-rewritten"] == nil && answer["content-length"] != nil)
        #expect(answer.text.contains("http://127.0.0.1:\(vendor.port)/"))
        let asked = try #require(vendor.heads.last)
        #expect(asked.hasPrefix("GET /v1/messages/batches/b?x-weir-vendor=v1 HTTP/1.1\r\n"))
        #expect(asked.lowercased().contains("accept-encoding: gzip"))
    }
}
