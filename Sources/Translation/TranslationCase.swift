import HTTP
import JSON
import Primitives

/// A case of translation as one line of JSON: what goes in, and between which forms.
public struct TranslationCase {
    /// Envelopes that cases name, because they cannot spell one.
    private static let envelopes: [String: Sealed] = [
        "weir1:T1": Sealed(
            form: .messages, kind: .signature, value: EscapedText("SIG1"),
            text: EscapedText("plan")),
        "weir1:O1": Sealed(
            form: .responses, kind: .encrypted, value: EscapedText("gAAA7"),
            item: EscapedText("rs_7")),
        "weir1:G1": Sealed(form: .gemini, kind: .thought, value: EscapedText("QUJD")),
    ]

    /// Why a line is no case.
    public struct Malformed: Error, CustomStringConvertible {
        /// The reason, for people.
        public let description: String
    }

    let id: String
    let source: Form
    let target: Form
    let kind: String
    let quirks: RawJSON?
    let input: RawJSON

    /// The case of a line.
    public init(_ line: String) throws(Malformed) {
        let value: RawJSON
        do throws(JSONScanner.Malformed) {
            value = try RawJSON(parsing: Self.opened(line))
        } catch {
            throw Malformed(description: "no JSON at byte \(error.offset): \(error.reason)")
        }
        let direction = (value["dir"]?.plain ?? "").split(separator: ">").map(String.init)
        guard direction.count == 2, let source = Form(name: direction[0]),
            let target = Form(name: direction[1])
        else { throw Malformed(description: "dir names no two forms") }
        guard let input = value["in"] else { throw Malformed(description: "in is missing") }
        id = value["id"]?.plain ?? ""
        kind = value["what"]?.plain ?? "req"
        quirks = value["q"]
        (self.source, self.target, self.input) = (source, target, input)
    }

    /// The line with its named envelopes spelled for the source.
    private static func opened(_ line: String) -> [UInt8] {
        guard line.contains("weir1:") else { return Array(line.utf8) }
        var line = line
        for (name, sealed) in envelopes {
            let envelope = ReasoningEnvelope.seal(sealed, for: .messages)
            line = line.replacingScalars(
                "\"\(name)\"", with: "\"\(String(decoding: envelope.inner, as: UTF8.self))\"")
        }
        return Array(line.utf8)
    }

    /// The result as one line of JSON.
    public func run() -> String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("id", id)
        do throws(Refusal) {
            switch kind {
            case "ans": answer(&writer)
            case "stream": stream(&writer)
            case "err": error(&writer)
            default: try request(&writer)
            }
        } catch {
            writer.key("out")
            writer.beginObject()
            writer.member("refuse", error.status)
            writer.member("field", error.field)
            writer.endObject()
            losses([], &writer)
        }
        writer.endObject()
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    private func request(_ writer: inout JSONWriter) throws(Refusal) {
        let translation = try RequestTranslation(
            input, from: source, to: target, quirks: Quirks(quirks))
        writer.key("out")
        writer.raw(translation.body)
        losses(translation.losses, &writer)
    }

    // MARK: Answers

    /// The members of an answer that differ from run to run, or repeat the request.
    private static let envelope: [Form: Set<String>] = [
        .chat: ["id", "object", "created", "model"],
        .messages: ["id", "type", "role", "model"],
        .gemini: ["modelVersion", "responseId"],
        .responses: [
            "id", "object", "created_at", "model", "parallel_tool_calls", "tool_choice", "tools",
            "store",
        ],
    ]

    private var context: AnswerContext {
        var context = AnswerContext(from: source, to: target)
        context.wantsUsage = quirks?["include_usage"]?.flag == true
        context.addCustomTools(quirks?["custom_tools"]?.elements.compactMap(\.plain) ?? [])
        return context
    }

    private func answer(_ writer: inout JSONWriter) {
        let translation = AnswerTranslation(input, context)
        let body = RawJSON(walked: translation.body[...])
        writer.key("out")
        if translation.status == 200 {
            writer.beginObject()
            for member in body.members
            where Self.envelope[target]?.contains(member.name) != true {
                writer.key(named: member.name)
                writer.raw(member.value)
            }
            writer.endObject()
        } else {
            write(translation.status, body, &writer)
        }
        losses(translation.losses, &writer)
    }

    /// An error instead of an answer.
    private func write(_ status: Int, _ body: RawJSON, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("error")
        writer.beginObject()
        writer.member("status", status)
        writer.member("body", body)
        writer.endObject()
        writer.endObject()
    }

    private func stream(_ writer: inout JSONWriter) {
        var translation = StreamTranslation(context)
        var output = ByteBuffer()
        var isWhole = true
        for event in input.elements {
            isWhole = event.plain != "CUT"
            if event.plain == "EOF" || !isWhole { break }
            var frame = ByteBuffer()
            frame.append("data: ")
            // As the vendors have it: one line.
            let data = event.text.map { Array($0.inner) } ?? event.compact
            frame.append(data.span)
            frame.append("\n\n")
            translation.take(frame.bytes, into: &output)
        }
        translation.end(isWhole: isWhole, into: &output)
        writer.key("out")
        if let failure = translation.earlyFailure {
            write(failure.status, RawJSON(walked: failure.body[...]), &writer)
        } else {
            var splitter = EventSplitter(bytesMax: output.count + 1)
            var events: [[UInt8]] = []
            splitter.take(output.bytes) { event in events.append(Array(event.data.bytes)) }
            writer.beginArray()
            for event in events {
                if event.span.matches("[DONE]") {
                    writer.text("[DONE]")
                } else {
                    writer.raw(event)
                }
            }
            // After an error the connection breaks, which this dialect's clients wait for.
            let isFailed = events.last.map { !$0.span.matches("[DONE]") } ?? true
            if target == .chat, isFailed { writer.text("EOF") }
            writer.endArray()
        }
        losses(translation.losses, &writer)
    }

    private func error(_ writer: inout JSONWriter) {
        let body = input["body"]?.compact ?? []
        let translation = ErrorTranslation(
            status: input["status"]?.integer ?? 500, body: body,
            retryAfter: input["headers"]?["retry-after"]?.plain, from: source, to: target)
        writer.key("out")
        writer.beginObject()
        writer.member("status", translation.status)
        writer.key("headers")
        writer.beginObject()
        if let delay = translation.retryAfter { writer.member("retry-after", delay) }
        writer.endObject()
        writer.key("body")
        writer.raw(translation.body)
        writer.endObject()
        losses([], &writer)
    }

    private func losses(_ losses: [Loss], _ writer: inout JSONWriter) {
        writer.key("lost")
        writer.beginArray()
        for loss in losses { writer.text(loss.description) }
        writer.endArray()
    }
}
