import Dialects
import Primitives

// What is probably wrong with a vendor, though it can be served: each is a warning.
extension Vendor {
    /// Paths of endpoints, which requests bring with them.
    private static let endpoints = [
        "/chat/completions", "/completions", "/responses", "/embeddings", "/messages", "/models",
    ]

    private static let versions = ["/v1", "/v1beta"]

    func warnOfMistakes(_ reader: TableReader) {
        if reader.has("base_url") { warnOfPath(reader) }
        if reader.has("credential") { warnOfCredential(reader) }
        if scheme == "http", credential != .none || usesOwnSecret {
            reader.warnOfOpenKeys("base_url", to: host)
        }
    }

    private func warnOfPath(_ reader: TableReader) {
        if let endpoint = Self.endpoints.first(where: basePath.hasSuffix) {
            var rest = basePath.dropLast(endpoint.count)
            // Requests of the other dialects bring their version, too.
            if dialect != .openai, let version = Self.versions.first(where: rest.hasSuffix) {
                rest = rest.dropLast(version.count)
            }
            reader.warn(
                "base_url",
                "ends in \(endpoint), which every request brings with it; "
                    + "is \"\(scheme)://\(host)\(rest)\" meant?")
        } else if dialect == .openai, basePath.isEmpty {
            reader.warn(
                "base_url",
                "has no path: /v1/models is asked for as /models; is \"…/v1\" meant, as that "
                    + "vendor's own SDK has it?")
        } else if dialect != .openai, let version = versionAtEnd {
            reader.warn(
                "base_url",
                "ends in \(version), and requests bring their own: the vendor is asked for "
                    + "\(basePath)\(version)/…; is it meant without?")
        }
    }

    private var versionAtEnd: String? {
        Self.versions.first { basePath.hasSuffix($0) }
    }

    /// A key that is none: with quotes of a shell's around it, or the name of a variable.
    private func warnOfCredential(_ reader: TableReader) {
        guard case .own(let secret) = credential else { return }
        let text = secret.reveal()
        if text.count > 1, let quote = text.first, quote == "\"" || quote == "'",
            text.last == quote
        {
            reader.warn(
                "credential", "has quotes around it, which the vendor gets as a part of the key")
        } else if text.hasPrefix("$") {
            reader.warn(
                "credential",
                "begins with \"$\": nothing is put in for a variable; is \"env:NAME\" meant?")
        } else if Self.isVariableName(text) {
            reader.warn(
                "credential", "looks like the name of a variable; is \"env:NAME\" meant?")
        }
    }

    private static func isVariableName(_ text: String) -> Bool {
        text.contains("_") && text.first?.isLetter == true
            && text.utf8.allSatisfy { 0x41...0x5A ~= $0 || 0x30...0x39 ~= $0 || $0 == 0x5F }
    }
}
