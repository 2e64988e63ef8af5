/// Where a translated request goes, and the fields that its dialect requires.
public struct OutboundForm: Sendable {
    /// The path behind the vendor's base, with its query.
    public let path: String
    /// Header fields beside the credential's.
    public let headers: [(name: String, value: String)]

    /// A request of a form for a model.
    public init(_ form: Form, model: String, isStreamed: Bool) {
        var headers = [("content-type", "application/json")]
        switch form {
        case .chat: path = "/v1/chat/completions"
        case .responses: path = "/v1/responses"
        case .messages:
            path = "/v1/messages"
            // The version that every model takes.
            headers.append(("anthropic-version", "2023-06-01"))
        case .gemini:
            let verb = isStreamed ? "streamGenerateContent?alt=sse" : "generateContent"
            path = "/v1beta/models/\(Self.escaped(model)):\(verb)"
        }
        self.headers = headers
    }

    /// A model's name as a step of a path, in which some bytes more may stand as they are.
    static func escaped(_ name: String, keeping kept: [UInt8] = []) -> String {
        var text = ""
        for byte in name.utf8 {
            let isPlain =
                0x61...0x7A ~= byte || 0x41...0x5A ~= byte || 0x30...0x39 ~= byte
                || [0x2D, 0x2E, 0x5F, 0x7E].contains(byte) || kept.contains(byte)
            if isPlain {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                text += "%" + (digits.count < 2 ? "0" : "") + digits
            }
        }
        return text
    }
}
