import Primitives

extension Dialect {
    /// The model that a request's target names; nil where the body names it.
    ///
    /// `target` is path and query, such as `/v1beta/models/NAME:verb`.
    public func model(inTarget target: String) -> String? {
        if self == .openai { return SessionModel.name(in: target.utf8.span) }
        guard self == .gemini else { return nil }
        let path = target.prefix { $0 != "?" }
        guard let start = path.firstRange(of: "/models/")?.upperBound else { return nil }
        let name = path[start...].prefix { $0 != ":" && $0 != "/" }
        return name.isEmpty ? nil : String(name)
    }
}
