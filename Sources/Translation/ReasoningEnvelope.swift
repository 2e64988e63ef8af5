import JSON

/// Reasoning that only one vendor reads, in a field where another dialect keeps such things.
///
/// The client stores it and sends it back, so that the gateway keeps nothing. The envelope says
/// whose it is: it is opened for that vendor alone, and never sent to any.
enum ReasoningEnvelope {
    static let mark: StaticString = "weir1:"
    /// The mark in base64, for a dialect whose clients accept nothing else.
    static let encodedMark: StaticString = "d2VpcjE6"

    /// What an envelope holds; nil for a text that is none.
    static func open(_ text: EscapedText) -> Sealed? {
        let bytes: [UInt8]?
        if text.hasPrefix(mark) {
            bytes = Base64.decode(text.inner.dropFirst(mark.utf8CodeUnitCount))
        } else if text.hasPrefix(encodedMark) {
            bytes = Base64.decode(text.inner).map { Array($0.dropFirst(mark.utf8CodeUnitCount)) }
        } else {
            return nil
        }
        // A damaged one goes to no vendor at all.
        let none = Sealed(form: .chat, kind: .none, value: .empty)
        guard let bytes, let content = parse(bytes),
            let form = content["f"]?.plain.flatMap(Form.init(rawValue:)),
            let kind = content["k"]?.plain.flatMap(Sealed.Kind.init(rawValue:))
        else { return none }
        return Sealed(
            form: form, kind: kind, value: content["v"]?.text ?? .empty,
            item: content["i"]?.text, text: content["t"]?.text)
    }

    private static func parse(_ bytes: [UInt8]) -> RawJSON? {
        do throws(JSONScanner.Malformed) {
            return try RawJSON(parsing: bytes)
        } catch {
            return nil
        }
    }

    /// An envelope for a client of a form.
    static func seal(_ sealed: Sealed, for form: Form) -> EscapedText {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("f", sealed.form.rawValue)
        writer.member("k", sealed.kind.rawValue)
        if !sealed.value.isEmpty { writer.member("v", sealed.value) }
        if let item = sealed.item { writer.member("i", item) }
        if let text = sealed.text { writer.member("t", text) }
        writer.endObject()
        let content = writer.bytes
        if form == .gemini {
            return EscapedText(inner: Base64.encode(Array("\(mark)".utf8) + content)[...])
        }
        let body = Base64.encode(content, isForAddresses: true)
        return EscapedText(inner: (Array("\(mark)".utf8) + body)[...])
    }
}
