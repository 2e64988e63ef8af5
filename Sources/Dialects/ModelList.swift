public import Primitives

/// Lists of models in the shapes that clients read.
public enum ModelList: Equatable, Sendable {
    /// OpenAI's, and all who follow it.
    case openai
    /// Anthropic's, which is read page by page.
    case anthropic
    /// Google's.
    case gemini
    /// Codex's own.
    case codex

    /// A model as lists show it.
    public struct Model: Sendable {
        /// The name to ask for.
        public let name: String
        /// What people call it.
        public let title: String
        /// Who serves it.
        public let owner: String

        /// A model of a list.
        public init(name: String, title: String, owner: String) {
            self.name = name
            self.title = title
            self.owner = owner
        }
    }

    /// The time from which models are said to be: none is known.
    private static let created = "1970-01-01T00:00:00Z"

    /// Appends a list of models, each with who serves it.
    ///
    /// `hasMore`: whether it is a page, and another one follows.
    public func write(
        _ models: [Model], hasMore: Bool = false, to output: inout ByteBuffer
    ) {
        switch self {
        case .openai: output.append("{\"object\":\"list\",\"data\":[")
        case .anthropic: output.append("{\"data\":[")
        case .gemini, .codex: output.append("{\"models\":[")
        }
        for (index, model) in models.enumerated() {
            if index > 0 { output.append(",") }
            write(model, to: &output)
        }
        output.append("]")
        if self == .anthropic {
            output.append(text: ",\"has_more\":\(hasMore),\"first_id\":")
            Self.append(models.first?.name, to: &output)
            output.append(",\"last_id\":")
            Self.append(models.last?.name, to: &output)
        }
        output.append("}")
    }

    /// Appends one model.
    public func write(_ model: Model, to output: inout ByteBuffer) {
        switch self {
        case .openai:
            output.append("{\"id\":")
            Self.append(model.name, to: &output)
            output.append(",\"object\":\"model\",\"created\":0,\"owned_by\":")
            Self.append(model.owner, to: &output)
        case .anthropic:
            output.append("{\"type\":\"model\",\"id\":")
            Self.append(model.name, to: &output)
            output.append(",\"display_name\":")
            Self.append(model.title, to: &output)
            output.append(",\"created_at\":")
            Self.append(Self.created, to: &output)
        case .gemini:
            output.append("{\"name\":")
            Self.append("models/" + model.name, to: &output)
            output.append(",\"displayName\":")
            Self.append(model.title, to: &output)
            output.append(
                ",\"supportedGenerationMethods\":[\"generateContent\",\"countTokens\"]")
        case .codex:
            output.append("{\"slug\":")
            Self.append(model.name, to: &output)
            output.append(",\"display_name\":")
            Self.append(model.title, to: &output)
        }
        output.append("}")
    }

    private static func append(_ text: String?, to output: inout ByteBuffer) {
        guard let text else { return output.append("null") }
        output.append("\"")
        for byte in text.utf8 {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20 {
                output.append(text: "\\u00" + (byte < 0x10 ? "0" : "") + String(byte, radix: 16))
            } else {
                output.append(byte: byte)
            }
        }
        output.append("\"")
    }
}
