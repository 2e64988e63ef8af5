import Glibc
import Primitives
import Translation

/// How much memory a request takes while it is translated, in times of its size.
///
/// The request itself is not counted: it is there before.
struct PairMemory {
    let source: Form
    let target: Form

    init(from source: Form, to target: Form) {
        self.source = source
        self.target = target
    }

    /// Requests that differ in what they are made of.
    enum Shape: String, CaseIterable {
        /// One text of words.
        case text
        /// One text of escapes alone.
        case escapes
        /// A call whose arguments are one text with escapes, and its result.
        case arguments
        /// As many short parts as a body may have values.
        case parts
    }

    /// Times of its size; nil where the target refuses it.
    func factor(_ shape: Shape, megabytes: Int) throws -> Double? {
        var body = Self.body(shape, bytes: megabytes << 20)
        if source != .messages {
            let own = try RawJSON(parsing: body)
            body = try RequestTranslation(own, from: .messages, to: source).body
        }
        try Self.resetPeak()
        let before = Self.status("VmRSS:")
        do throws(Refusal) {
            let translation = try RequestTranslation(
                try parsed(body), from: source, to: target)
            guard translation.body.count > 1000 else { fatalError("nothing is left of it") }
        } catch {
            return nil
        }
        return Double(Self.status("VmHWM:") - before) / Double(body.count)
    }

    private func parsed(_ body: [UInt8]) throws(Refusal) -> RawJSON {
        guard let value = try? RawJSON(parsing: body) else { fatalError("no JSON") }
        return value
    }

    private static func body(_ shape: Shape, bytes: Int) -> [UInt8] {
        func repeated(_ piece: String, _ bytes: Int) -> String {
            String(repeating: piece, count: bytes / piece.utf8.count)
        }
        let content: String
        switch shape {
        case .text: content = "\"\(repeated("some words ", bytes))\""
        case .escapes: content = "\"\(repeated(#"\n\""#, bytes))\""
        case .parts:
            let part = #"{"type":"text","text":"some words of a text"}"#
            content = "[\(repeated(part + ",", min(bytes, 7 << 20)))\(part)]"
        case .arguments:
            let text = repeated(#"say \"hello\"\n"#, bytes)
            return Array(
                (#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"q"},"#
                    + #"{"role":"assistant","content":[{"type":"tool_use","id":"c","name":"f","#
                    + #""input":{"a":"\#(text)"}}]},{"role":"user","content":[{"#
                    + #""type":"tool_result","tool_use_id":"c","content":"r"}]}],"#
                    + #""tools":[{"name":"f","input_schema":{"type":"object"}}]}"#).utf8)
        }
        return Array(
            (#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"# + content
                + "}]}").utf8)
    }

    private static func resetPeak() throws {
        guard let file = unsafe fopen("/proc/self/clear_refs", "w") else {
            fatalError("no clear_refs")
        }
        defer { unsafe fclose(file) }
        guard unsafe fputs("5", file) >= 0 else { fatalError("the peak is not forgotten") }
    }

    /// Bytes that a line of the process's own status says.
    private static func status(_ name: String) -> Int {
        guard let file = unsafe fopen("/proc/self/status", "r") else { fatalError("no status") }
        defer { unsafe fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe fread(&bytes, 1, bytes.count, file)
        let text = String(decoding: bytes.prefix(count), as: UTF8.self)
        let line = text.split(separator: "\n").first { $0.hasPrefix(name) } ?? ""
        return (Int(line.filter(\.isNumber)) ?? 0) * 1024
    }
}
