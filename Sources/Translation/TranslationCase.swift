import JSON

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
            line = line.replacing(
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

    private func losses(_ losses: [Loss], _ writer: inout JSONWriter) {
        writer.key("lost")
        writer.beginArray()
        for loss in losses { writer.text(loss.description) }
        writer.endArray()
    }
}
