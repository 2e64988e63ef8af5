import HTTP
import Primitives
import Support
import Testing

/// Values that carry a credential: none of them is written down.
@Suite("Credentials in heads")
struct RedactionTests {
    private static func name(_ text: String) -> HeaderName {
        HeaderName(Array(text.utf8).span)
    }

    private static func written(_ text: String) -> String {
        var output = ByteBuffer()
        Redaction.write(Array(text.utf8).span, to: &output)
        return output.bytes.text
    }

    private static let carriers = [
        "Authorization", "Proxy-Authorization", "Authentication", "Cookie", "Set-Cookie",
        "X-Api-Key", "api-key", "ApiKey", "X-ApiKey", "x-goog-api-key", "X-Auth-Token",
        "X-Access-Token", "Ocp-Apim-Subscription-Key", "cf-aig-authorization", "X-Token",
        "X-Amz-Security-Token", "Sec-WebSocket-Protocol", "Helicone-Auth", "X-Portkey-Api-Key",
        "x-litellm-key", "X-Vault-Token", "Private-Token", "X_Api_Key", "X-Hub-Signature",
        "X-Password", "Client-Secret", "X-Session-Token", "X-CSRF-Token", "Authentication-Info",
        "X-User-Credentials", "Dpop", "anthropic-api-key", "anthropic-auth-token",
        "x-ratelimit-api-key", "access-control-auth-token", "X-AuthToken", "X-AccessToken",
        "X-ClientSecret", "XApiKey", "X-OpenAIKey", "X-JWTAssertion", "X-Apikeys",
        "Authorization2", "X-Auth0", "X-Api-Key-2", "X.Api.Key", "X-Pass", "X-Pwd", "X-Bearer",
        "X-OAuth", "X-Creds", "X-GitHub-PAT", "X-Hmac", "X-Sig", "X-Passwords", "X-Api-Key-Id",
        "x-weir-key", "X-Original-Authorization",
    ]
    private static let edges = [
        "X-Forwarded-Access-Token", "Cf-Access-Jwt-Assertion", "Cf-Access-Client-Secret",
        "X-Amzn-Oidc-Data", "X-Amzn-Oidc-Identity", "X-Amzn-Oidc-Accesstoken",
        "X-MS-TOKEN-AAD-ACCESS-TOKEN", "X-MS-Client-Principal", "X-Goog-Iap-Jwt-Assertion",
        "X-Auth-Request-Access-Token", "X-Forwarded-Client-Cert", "X-Forwarded-Id-Token",
    ]
    private static let others = [
        "Accept", "Content-Type", "User-Agent", "Idempotency-Key", "X-Request-Id", "X-Stainless-Os",
        "anthropic-beta", "anthropic-version", "OpenAI-Organization", "OpenAI-Project",
        "x-ratelimit-remaining-tokens", "anthropic-ratelimit-tokens-limit", "Sec-WebSocket-Key",
        "Access-Control-Allow-Credentials", "x-claude-code-session-id", "traceparent", "Keyboard",
        "Tokenizer", "WWW-Authenticate", "Retry-After", "Monkey", "X-Cache-Key",
        "x-prompt-cache-key", "X-Partition-Key", "X-Token-Count", "X-Compat", "X-Request-Key-Info",
    ]

    @Test("are known by the name of their field, in any case")
    func fields() {
        for text in Self.carriers + Self.edges {
            for spelling in [text, text.lowercased(), text.uppercased()] {
                #expect(Self.name(spelling).isCredential, "\(spelling)")
            }
        }
        for text in Self.edges { #expect(Self.name(text) == .edgeCredential, "\(text)") }
        for text in Self.carriers { #expect(Self.name(text) != .edgeCredential, "\(text)") }
        for text in Self.others { #expect(!Self.name(text).isCredential, "\(text)") }
    }

    @Test("are known behind the name of their scheme, wherever it stands")
    func schemes() {
        for (value, isWritten) in [
            ("Bearer canary", false), ("token: bearer canary", false), ("a b BEARER c", false),
            ("Basic canary", false), ("Bearer", true), ("bearer ", true), ("a bearer ", true),
            ("forbearers all", true), ("basic", true), ("Foo Basic/1 x", true),
        ] {
            ParsedHead("GET /", "X-P: \(value)\r\n").with { head in
                var output = ByteBuffer()
                head.writeRedactedFields(to: &output)
                #expect(output.bytes.text.contains("<redacted>") == !isWritten, "\(value)")
            }
        }
    }

    @Test("are taken out of fields, of requests and responses, whatever holds them")
    func lines() {
        let secret = "canary-0123456789-abcdef"
        for text in Self.carriers + Self.edges {
            ParsedHead("GET /", "\(text): \(secret)\r\n").with { head in
                var output = ByteBuffer()
                head.writeRedactedFields(to: &output)
                #expect(!output.bytes.text.contains("canary"), "\(text)")
                #expect(output.bytes.text.contains("\(text): <redacted>"), "\(text)")
            }
        }
        var head = ResponseHead()
        for line in [
            "HTTP/1.1 302 Found", "Set-Cookie: a=\(secret)", "X-Request-Id: r",
            "Location: https://u:\(secret)@h/p?a=1&key=\(secret)",
            "X-Goog-Upload-URL: https://h/upload?upload_id=u&access_token=\(secret)", "",
        ] { _ = head.add(line: Array("\(line)\r\n".utf8).span) }
        var output = ByteBuffer()
        head.writeRedactedFields(to: &output)
        #expect(!output.bytes.text.contains("canary"))
        #expect(output.bytes.text.contains("Location: https://<redacted>@h/p?a=1&key=<redacted>"))
        #expect(output.bytes.text.contains("upload_id=u"))
    }

    @Test(
        "are taken out of targets and URLs",
        arguments: [
            ("/v1/x?key=S", "/v1/x?key=<redacted>"),
            ("/v1/x?a=1&API_KEY=S&b=2", "/v1/x?a=1&API_KEY=<redacted>&b=2"),
            ("/v1/x?a=1;token=S;b=2", "/v1/x?a=1;token=<redacted>;b=2"),
            ("/v1/x?%6Bey=S", "/v1/x?%6Bey=<redacted>"),
            ("/v1/x?%256bey=S", "/v1/x?%256bey=<redacted>"),
            ("/v1/x?code=S&sig=S", "/v1/x?code=<redacted>&sig=<redacted>"),
            ("/v1/x#access_token=S", "/v1/x#access_token=<redacted>"),
            ("/v1/x??key=S", "/v1/x??key=<redacted>"),
            ("/v1/x?a=1%26key=S", "/v1/x?a=<redacted>"),
            ("/v1/x?key[0]=S", "/v1/x?key[0]=<redacted>"),
            ("https://u:S@S@h/p", "https://<redacted>@h/p"),
            ("/v1/x?bearer=S", "/v1/x?bearer=<redacted>"),
            ("/v1/x?key=<S>", "/v1/x?key=<redacted>>"),
            ("/v1/x?key=\"S\"", "/v1/x?key=<redacted>\""),
            ("/v1/x?key=,S&a=1", "/v1/x?key=<redacted>&a=1"),
            ("https://u:S@h/p", "https://<redacted>@h/p"),
            ("<https://S@h/p>; rel=next", "<https://<redacted>@h/p>; rel=next"),
            ("/r?to=https%3A%2F%2Fu%3AS%40h%2F", "/r?to=<redacted>"),
            ("/r?to=https://u:S@h", "/r?to=https://<redacted>@h"),
            ("/r?to=%2Fx%3Fkey%3DS", "/r?to=<redacted>"),
            ("a sk-S-0123456789abcdef b", "a <redacted> b"),
            ("AIzaS0123456789abcdefghij", "<redacted>"),
            ("x=eyJhbGciOiJI.eyJzdWIiOiIx.S", "x=<redacted>"),
            ("ghp_S0123456789abcdefghij,xoxb-S0123456789abcdefg", "<redacted>,<redacted>"),
            ("/v1/sk-S0123456789abcdefghij/x", "/v1/<redacted>/x"),
            ("/v1/x?sk-S0123456789abcdefghij", "/v1/x?<redacted>"),
            ("/v1/x?pageToken=T&a=key&beta=true", "/v1/x?pageToken=T&a=key&beta=true"),
            ("me@example.com", "me@example.com"), ("sk-short", "sk-short"),
            ("eyJ0.eyJ1", "eyJ0.eyJ1"),
            ("task-0123456789-0123456789", "task-0123456789-0123456789"),
            ("eyJhbGciOiJIUzI1NiJ9.abc.def.ghi", "eyJhbGciOiJIUzI1NiJ9.abc.def.ghi"),
            ("https://us:p,S@h/", "https://<redacted>@h/"),
            ("https://us:p=S&a@h/", "https://<redacted>@h/"),
            ("https:\\\\u:S@h", "https:\\\\<redacted>@h"),
            ("https:/u:S@h", "https:/<redacted>@h"),
            ("{\"u\":\"https:\\/\\/u:S@h\"}", "{\"u\":\"https:\\/\\/<redacted>@h\"}"),
            ("https://u:S%40h/", "https://<redacted>/"),
            ("https://u:S\\u0040h/", "https://<redacted>/"),
            ("u:S@h", "<redacted>@h"), ("a, u:S@h", "a, <redacted>@h"),
            ("/v1/https%3A%2F%2Fu%3AS%40h%2F/x", "/v1/<redacted>/x"),
            ("https%3A%2F%2Fu%3AS%40h%2F", "<redacted>"),
            ("/x;key=S/y", "/x;key=<redacted>"), ("/x;a=1;key=S", "/x;a=1;key=<redacted>"),
            ("api_key=S", "api_key=<redacted>"), ("a=1, api_key = S", "a=1, api_key =<redacted>"),
            ("api-key=\"a&S\" b", "api-key=<redacted>\" b"),
            ("token=Bearer S", "token=<redacted>"),
            ("{\"api_key\":\"S\",\"a\":1}", "{\"api_key\":\"<redacted>\",\"a\":1}"),
            ("{\"api_key\" : \"a\\\"S\"}", "{\"api_key\" : \"<redacted>\"}"),
            ("{'token':'S'}", "{'token':'<redacted>'}"),
            ("{\"apikeys\":[\"S\"]}", "{\"apikeys\":[\"<redacted>\"]}"),
            ("\\\"key\\\":\\\"S\\\"", "\\\"key\\\":\\\"<redacted>\\\""),
            ("{\"key\":S}", "{\"key\":<redacted>}"),
            ("/x?q=1,key=S", "/x?q=1,key=<redacted>"),
            ("/x?x=\"&key=S", "/x?x=\"&key=<redacted>"),
            ("/x?a=b c&key=S", "/x?a=b c&key=<redacted>"),
            ("x %73k-S0123456789abcdefghij", "x <redacted>"),
            ("/v1/sk%2DS0123456789abcdefghij/x", "/v1/<redacted>/x"),
            ("eyJhbGciOiJI..eyJzdWIiOiIx.S.abc", "<redacted>"),
            ("auth_tokens/xapp-1-S0123456789abcdef", "auth_tokens/<redacted>"),
            ("glpat-S0123456789abcdefgh", "<redacted>"), ("AQ.S0123456789abcdefgh", "<redacted>"),
            ("/x?a=%20b&c=1%25&d=%7B%22e%22%3A1%7D", "/x?a=%20b&c=1%25&d=%7B%22e%22%3A1%7D"),
            ("mailto:me@example.com", "mailto:me@example.com"),
            ("/v1/models/claude@20240620:rawPredict", "/v1/models/claude@20240620:rawPredict"),
            ("W/\"abc=\"", "W/\"abc=\""), ("h3=\":443\"; ma=86400", "h3=\":443\"; ma=86400"),
            ("{\"a\":\"key\",\"b\":\"c\"}", "{\"a\":\"key\",\"b\":\"c\"}"),
            ("", ""), ("?", "?"), ("@", "@"), ("//@", "//<redacted>@"),
            ("text/html, a/b;q=0.9", "text/html, a/b;q=0.9"),
        ])
    func texts(_ text: String, _ expected: String) {
        #expect(Self.written(text) == expected)
    }

    @Test("nested in escapes without end cost no more than their length")
    func nesting() {
        let nested = "/r?a=" + String(repeating: "%25", count: 5000) + "3Fkey%3Dcanary"
        #expect(!Self.written(nested).contains("canary"))
    }

    @Test("in no text are looked for in vain")
    func anything() {
        var random = RandomSource(seed: 5)
        let pieces = [
            "?", "&", "key", "=", "%", "25", "6b", "@", "//", "#", ";", "sk-", "aaaaaaaaaa",
        ]
        for _ in 0..<5000 {
            let text = (0..<Int.random(in: 0...20, using: &random)).map { _ in
                pieces[Int.random(in: pieces.indices, using: &random)]
            }.joined()
            _ = Self.written(text)
        }
    }
}
