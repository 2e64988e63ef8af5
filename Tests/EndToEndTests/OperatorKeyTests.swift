import JSON
import Support
import Testing

/// Keys and limits on the operators' interface, and what shows them.
@Suite("The operators' interface")
struct OperatorKeyTests {
    private static let token = "operator-canary"

    private static func start(_ vendor: Int, _ rest: String, token: String = token) throws
        -> GatewayProcess
    {
        try GatewayProcess(
            """
            [vendors.openai]
            base_url = "http://127.0.0.1:\(vendor)/v1"
            credential = "env:KEY"
            [groups.team]
            requests = "1000/1h"
            concurrent = 50
            \(rest)

            """, server: "workers = 2", environment: ["KEY": "gateway-canary"],
            adminToken: token)
    }

    private static func ask(
        _ gateway: GatewayProcess, _ method: String, _ path: String, _ body: String = "",
        token: String = token
    ) throws -> RawResponse {
        try RawConnection(port: gateway.adminPort).exchange(
            "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                + "Authorization: Bearer \(token)\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
                + body)
    }

    /// The statuses of calls on connections of their own, so that both workers are asked.
    private static func statuses(_ gateway: GatewayProcess, _ key: String) throws -> Set<Int> {
        Set(
            try (0..<16).map { _ in
                try RawConnection(port: gateway.port).exchange(
                    RecordTests.request(
                        "/v1/chat/completions", #"{"model":"gpt-4o"}"#,
                        "Authorization: Bearer \(key)\r\n")
                ).status
            })
    }

    @Test("keys are made, rotated and revoked, and each is in force once it is answered")
    func keys() throws {
        let vendor = try MockProcess()
        let gateway = try Self.start(vendor.port, "")
        let added = try Self.ask(
            gateway, "POST", "/keys",
            #"{"name":"ann","group":"team","expires":"2999-01-01"}"#)
        #expect(added.status == 201, "\(added.text)")
        let first = try #require(try JSONValue(parsing: added.text)["key"]?.text)
        #expect(try Self.statuses(gateway, first) == [200])
        let rotated = try Self.ask(gateway, "POST", "/keys/ann/rotate")
        let second = try #require(try JSONValue(parsing: rotated.text)["key"]?.text)
        #expect(try Self.statuses(gateway, first) == [200])
        #expect(try Self.statuses(gateway, second) == [200])
        let finished = try Self.ask(gateway, "POST", "/keys/ann/rotate", #"{"finish":true}"#)
        #expect(finished.status == 200 && !finished.text.contains("weir_"))
        #expect(try Self.statuses(gateway, first) == [401])
        #expect(try Self.ask(gateway, "DELETE", "/keys/ann").status == 200)
        #expect(try Self.statuses(gateway, second) == [401])
        let list = try Self.ask(gateway, "GET", "/keys").text
        #expect(list.contains("\"name\":\"ann\"") && list.contains("\"revoked\":\"2"))
        for key in [first, second] {
            #expect(!list.contains(key) && !gateway.process.text.contains(key))
        }
        for (method, path, body, status) in [
            ("POST", "/keys", #"{"name":"ann"}"#, 409), ("POST", "/keys", "", 400),
            ("POST", "/keys", #"{"name":"a b"}"#, 400), ("POST", "/keys", "[]", 400),
            ("POST", "/keys", #"{"name":"bob","group":"none"}"#, 404),
            ("POST", "/keys", #"{"name":"bob","models":["*"]}"#, 400),
            ("POST", "/keys", #"{"name":"bob","name":"eve"}"#, 400),
            ("POST", "/keys", #"{"name":"bob","expires":"soon"}"#, 400),
            ("POST", "/keys", #"{"name":"bob","expires":"2020-01-01"}"#, 400),
            ("POST", "/keys/bob/rotate", "", 404), ("POST", "/keys/ann/rotate", "", 404),
            ("DELETE", "/keys/bob", "", 404), ("PUT", "/keys/ann", "", 405),
            ("POST", "/limits", "", 405), ("POST", "/metrics", "", 405),
        ] {
            let answer = try Self.ask(gateway, method, path, body)
            #expect(answer.status == status, "\(method) \(path) \(body) \(answer.text)")
        }
    }

    @Test("nothing is seen without the token, and nothing changed where there is none")
    func tokens() throws {
        let vendor = try MockProcess()
        let gateway = try Self.start(vendor.port, "")
        for (method, path) in [
            ("GET", "/keys"), ("POST", "/keys"), ("DELETE", "/keys/ann"), ("GET", "/limits"),
        ] {
            let answer = try Self.ask(gateway, method, path, token: "operator-canarx")
            #expect(answer.status == 401)
        }
        let open = try Self.start(vendor.port, "", token: "")
        #expect(try Self.ask(open, "POST", "/keys", #"{"name":"ann"}"#, token: "").status == 403)
        #expect(try Self.ask(open, "GET", "/keys", token: "").status == 200)
    }

    @Test("weir top shows what is used of the limits")
    func top() throws {
        let vendor = try MockProcess()
        let added: String
        let gateway = try Self.start(vendor.port, "[access]\nrequired = true\n")
        added = try Self.ask(gateway, "POST", "/keys", #"{"name":"ann","group":"team"}"#).text
        let key = try #require(try JSONValue(parsing: added)["key"]?.text)
        #expect(try Self.statuses(gateway, key) == [200])
        let top = try ChildProcess(
            try Binaries.weir,
            [
                "top", "--once", "--config", gateway.configurationPath, "--url",
                "http://127.0.0.1:\(gateway.adminPort)",
            ], environment: ["KEY": "gateway-canary"])
        #expect(try top.wait() == 0, "\(top.text)")
        #expect(top.text.contains("group team") && top.text.contains("16/1000 in 1h"))
        #expect(top.text.contains("0/50"))
        let closed = try ChildProcess(
            try Binaries.weir,
            ["top", "--once", "--url", "http://127.0.0.1:\(gateway.adminPort)"])
        #expect(try closed.wait() == 1, "the token is wanted")
    }
}
