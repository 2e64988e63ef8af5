import HTTP
import Primitives
import Testing

@Suite("Header names")
struct HeaderNameTests {
    @Test("are known in any case")
    func known() {
        let names: [(String, HeaderName)] = [
            ("HTTP2-Settings", .http2Settings),
            ("TE", .te), ("Host", .host), ("ACCEPT", .accept), ("expect", .expect),
            ("Api-Key", .apiKey), ("Upgrade", .upgrade), ("Trailer", .trailer),
            ("X-API-Key", .xAPIKey), ("Connection", .connection), ("Keep-Alive", .keepAlive),
            ("Content-Type", .contentType), ("Authorization", .authorization),
            ("Content-Length", .contentLength), ("x-goog-api-key", .xGoogAPIKey),
            ("Proxy-Connection", .proxyConnection), ("Transfer-Encoding", .transferEncoding),
            ("anthropic-version", .anthropicVersion), ("x-goog-api-client", .xGoogAPIClient),
            ("Proxy-Authenticate", .proxyAuthenticate),
            ("Proxy-Authorization", .proxyAuthorization),
        ]
        for (text, name) in names {
            #expect(HeaderName(Array(text.utf8).span) == name)
            #expect(HeaderName(Array(text.uppercased().utf8).span) == name)
            #expect(HeaderName(Array((text + "s").utf8).span) != name)
        }
        #expect(HeaderName(Array("x-apiary_".utf8).span) == .other)
    }

    @Test("separate credentials and hop-by-hop fields from the rest")
    func kinds() {
        for name in [HeaderName.apiKey, .authorization, .xAPIKey, .xGoogAPIKey] {
            #expect(name.isCredential)
            #expect(!name.isHopByHop)
        }
        for name in [
            HeaderName.connection, .te, .transferEncoding, .proxyAuthorization, .upgrade,
            .http2Settings,
        ] {
            #expect(name.isHopByHop)
        }
        #expect(!HeaderName.other.isHopByHop)
        #expect(!HeaderName.contentType.isHopByHop)
    }
}
