import Primitives

/// The model that a request's target names, in every way in which a server may read it: a
/// deployment's, an engine's, that of a model's own resource.
public struct PathModel: Equatable, Sendable {
    /// What the target says; unreadable where two servers may read two models in it.
    public let finding: RequestModel.Finding
    /// Whether the path decides, whatever the body says.
    public let isDecided: Bool

    /// Reads a target, with or without a chain's prefix.
    ///
    /// `isGemini`: its API is Gemini's, where what stands behind the last colon is a verb.
    public init(_ target: String, isGemini: Bool) {
        let written = Self.names(in: PathSpelling.segments(of: target), isGemini)
        var all = written.union(Self.names(inQueryOf: target))
        if let loosest = PathSpelling.loosest(target) {
            let segments = loosest.split(separator: "/").map(String.init)
            all.formUnion(Self.names(in: segments, isGemini))
        }
        switch all.count {
        case 0: finding = .none
        case 1: finding = .named(all.first ?? "")
        default: finding = .unreadable("the target can be read as naming more than one model")
        }
        isDecided = all.count == 1 && !written.isEmpty
    }

    private static func names(in segments: [String], _ isGemini: Bool) -> Set<String> {
        var names: Set<String> = []
        for index in segments.indices.dropLast() {
            let rest = segments[(index + 1)...]
            switch segments[index].lowercased() {
            case "deployments", "engines": names.insert(segments[index + 1])
            // A cloud's endpoint for clients of OpenAI's reads the model from the body.
            case "endpoints" where segments[index + 1].lowercased() != "openapi":
                names.insert(withoutVerb(segments[index + 1], isGemini))
            case "models", "tunedmodels":
                let name = rest.prefix { !resourcesOfModels.contains($0.lowercased()) }
                guard !name.isEmpty else { break }
                names.insert(withoutVerb(name.joined(separator: "/"), isGemini))
            case "model" where rest.count > 1:
                guard let last = rest.last, actions.contains(last.lowercased()) else { break }
                names.insert(rest.dropLast().joined(separator: "/"))
            default: break
            }
        }
        return names
    }

    private static func names(inQueryOf target: String) -> Set<String> {
        guard let question = target.utf8.firstIndex(of: UInt8(ascii: "?")) else { return [] }
        var names: Set<String> = []
        let query = target[question...].dropFirst()
        for pair in query.split(whereSeparator: { $0 == "&" || $0 == ";" }) {
            guard let equals = pair.firstIndex(of: "=") else { continue }
            let name = Array(pair[..<equals].utf8).span.percentDecoded()
            guard name.span.matchesIgnoringCase("model") else { continue }
            names.insert(RequestModel.urlDecoded(Array(pair[equals...].dropFirst().utf8).span))
        }
        names.remove("")
        return names
    }

    private static func withoutVerb(_ name: String, _ isGemini: Bool) -> String {
        guard let colon = name.lastIndex(of: ":") else { return name }
        let verb = name[name.index(after: colon)...].lowercased()
        return isGemini || verbs.contains(verb) ? String(name[..<colon]) : name
    }

    /// What Bedrock's paths end in: `/model/NAME/invoke`.
    private static let actions: Set<String> = [
        "invoke", "converse", "invoke-with-response-stream", "converse-stream", "count-tokens",
        "invoke-with-bidirectional-stream",
    ]

    /// What stands behind the name of a model and is no part of it.
    private static let resourcesOfModels: Set<String> = [
        "operations", "permissions", "predictions",
    ]

    /// Verbs of Gemini's and of Vertex's; other names hold colons, too.
    private static let verbs: Set<String> = [
        "generatecontent", "streamgeneratecontent", "counttokens", "embedcontent",
        "batchembedcontents", "batchgeneratecontent", "asyncbatchembedcontent", "predict",
        "predictlongrunning", "rawpredict", "streamrawpredict", "serverstreamingpredict",
        "fetchpredictoperation", "computetokens", "generateanswer", "generatemessage",
        "generatetext", "embedtext", "batchembedtext", "countmessagetokens", "counttexttokens",
        "bidigeneratecontent", "transferownership",
    ]
}
