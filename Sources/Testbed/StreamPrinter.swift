import Glibc
import JSON
import Primitives
public import Reactor

/// Plays one streaming chat call on the calling thread and hands over its tokens as they arrive.
public enum StreamPrinter {
    /// Sends a chat call in the OpenAI dialect, its message a script for the scripted vendor, and
    /// reads the stream to its end.
    public static func run(
        _ address: SocketAddress, script: String, token: (String) -> Void
    ) throws {
        let body =
            "{\"model\":\"gpt-4o\",\"stream\":true,\"messages\":[{\"role\":\"user\","
            + "\"content\":\"[[mock \(script)]]\"}]}"
        let request =
            "POST /v1/chat/completions HTTP/1.1\r\nHost: \(address)\r\n"
            + "Authorization: Bearer sk-test-0123456789\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        let descriptor = try Socket.connect(to: address)
        defer { Socket.close(descriptor) }
        var output = ByteBuffer()
        output.append(text: request)
        var text = ByteBuffer()
        var scanned = 0
        while true {
            if !output.isEmpty { _ = Socket.send(descriptor, from: &output) }
            var entry = pollfd(
                fd: descriptor, events: Int16(output.isEmpty ? POLLIN : POLLOUT), revents: 0
            )
            guard unsafe poll(&entry, 1, 30_000) > 0 else { throw SystemError(call: "poll") }
            guard output.isEmpty else { continue }
            let outcome = Socket.receive(descriptor, into: &text, room: 64 << 10)
            if outcome == .closed { return }
            // Each event's line is looked at once, when its end has come.
            while let end = text.bytes.firstIndex(of: 0x0A, from: scanned) {
                let line = text.bytes(scanned..<end)
                if line.hasPrefix("data: [DONE]") { return }
                if line.hasPrefix("data: "),
                    let event = try? JSONValue(parsing: line.extracting(6..<line.count)),
                    let piece = event["choices"]?.elements?.first?["delta"]?["content"]?.text
                {
                    token(piece)
                }
                scanned = end + 1
            }
        }
    }
}
