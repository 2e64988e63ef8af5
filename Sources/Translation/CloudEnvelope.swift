import JSON
import Primitives

/// How a cloud wraps a request of Anthropic's dialect: the model stands in the path, and the
/// version in the body.
///
/// It is the same dialect; only its envelope differs. Signatures are no part of it.
public enum CloudEnvelope: String, CaseIterable, Sendable {
    /// Amazon Bedrock's InvokeModel.
    case bedrock
    /// Google's Vertex AI.
    case vertex

    /// A request in its envelope.
    public struct Wrapped: Equatable, Sendable {
        /// The path behind the vendor's base.
        public let path: String
        /// The body.
        public let body: [UInt8]

        /// A request of a path and a body.
        public init(path: String, body: [UInt8]) {
            self.path = path
            self.body = body
        }
    }

    /// The version of the dialect that a body says.
    var version: String {
        switch self {
        case .bedrock: "bedrock-2023-05-31"
        case .vertex: "vertex-2023-10-16"
        }
    }

    private var verbs: (whole: String, streamed: String) {
        switch self {
        case .bedrock: ("/invoke", "/invoke-with-response-stream")
        case .vertex: (":rawPredict", ":streamRawPredict")
        }
    }

    private var prefix: String {
        switch self {
        case .bedrock: "/model/"
        case .vertex: "/models/"
        }
    }

    /// Wraps a Messages request; `betas` are the values of its field `anthropic-beta`.
    ///
    /// The model and a version of the envelope's own leave the body, as does on Bedrock whether the
    /// answer is a stream, which the path says. All other members are copied as bytes.
    public func wrap(_ body: RawJSON, model: String?, betas: [String] = []) -> Wrapped {
        let isStreamed = body["stream"]?.flag == true
        let name = model ?? body.model ?? ""
        var json = JSONWriter()
        json.beginObject()
        if body["anthropic_version"] == nil { json.member("anthropic_version", version) }
        if !betas.isEmpty, body["anthropic_beta"] == nil {
            json.key("anthropic_beta")
            json.beginArray()
            for beta in betas { json.text(beta) }
            json.endArray()
        }
        for member in body.members {
            if member.name == "model" || self == .bedrock && member.name == "stream" { continue }
            json.key(named: member.name)
            json.raw(member.value)
        }
        json.endObject()
        let step = OutboundForm.escaped(name, keeping: self == .vertex ? [0x40] : [])
        return Wrapped(
            path: prefix + step + (isStreamed ? verbs.streamed : verbs.whole), body: json.bytes)
    }

    /// Takes a client's request out of its envelope; nil where its path is none of it.
    ///
    /// The body is a Messages request: with its model, and with `stream` where its path says so.
    /// The betas are the values of its field `anthropic-beta`.
    public func unwrap(_ path: String, _ body: RawJSON) -> (body: RawJSON, betas: [String])? {
        guard let start = path.firstRange(of: prefix) else { return nil }
        let rest = path[start.upperBound...]
        let isStreamed = rest.hasSuffix(verbs.streamed)
        guard isStreamed || rest.hasSuffix(verbs.whole), body.isObject else { return nil }
        let step = rest.dropLast((isStreamed ? verbs.streamed : verbs.whole).count)
        let name = String(decoding: Array(step.utf8).span.percentDecoded(), as: UTF8.self)
        guard !name.isEmpty, !step.contains("/") else { return nil }
        var json = JSONWriter()
        json.beginObject()
        json.member("model", name)
        if isStreamed { json.member("stream", true) }
        let own: Set = ["model", "stream", "anthropic_version", "anthropic_beta"]
        for member in body.members where !own.contains(member.name) {
            json.key(named: member.name)
            json.raw(member.value)
        }
        json.endObject()
        let betas = body["anthropic_beta"]?.elements.compactMap(\.plain) ?? []
        return (json.value, betas)
    }
}
