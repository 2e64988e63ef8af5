import Reactor

/// Requests and the server that they go to.
struct LoadTarget: Sendable {
    let address: SocketAddress
    /// Requests that differ in one field; one at least.
    let requests: [String]
    let status: Int
    let needsDone: Bool

    /// Requests to be sent to an address, and what a right answer looks like.
    init(address: SocketAddress, requests: [String], status: Int = 200, needsDone: Bool) {
        self.address = address
        self.requests = requests
        self.status = status
        self.needsDone = needsDone
    }

    /// A chat call in the OpenAI dialect, its message holding a script for the scripted vendor.
    ///
    /// There is a request for each of the fields, which are lines of a header without their end.
    static func chat(
        _ address: SocketAddress, script: String, streams: Bool, filling: Int = 0,
        fields: [String] = []
    ) -> LoadTarget {
        let body =
            "{\"model\":\"gpt-4o\",\"stream\":\(streams),\"messages\":[{\"role\":\"user\","
            + "\"content\":\"\(String(repeating: "lorem ", count: filling / 6))"
            + "[[mock \(script)]]\"}]}"
        func request(_ field: String) -> String {
            """
            POST /v1/chat/completions HTTP/1.1\r
            Host: \(address)\r
            Accept: application/json\r
            Accept-Encoding: gzip, deflate\r
            Connection: keep-alive\r
            User-Agent: OpenAI/Python 3.54.0\r
            X-Stainless-Lang: python\r
            X-Stainless-Package-Version: 3.54.0\r
            X-Stainless-OS: Linux\r
            X-Stainless-Arch: x64\r
            X-Stainless-Runtime: CPython\r
            X-Stainless-Runtime-Version: 3.11.7\r
            X-Stainless-Async: false\r
            x-stainless-retry-count: 0\r
            Authorization: Bearer sk-test-0123456789\r
            Content-Type: application/json\r
            \(field)Content-Length: \(body.utf8.count)\r
            \r
            \(body)
            """
        }
        let requests = fields.isEmpty ? [request("")] : fields.map { request("\($0)\r\n") }
        return LoadTarget(address: address, requests: requests, needsDone: streams)
    }
}
