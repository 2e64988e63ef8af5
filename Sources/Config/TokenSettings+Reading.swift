extension TokenSettings {
    /// Reads `[access.jwt]`; nil where it sets no issuer.
    static func read(_ reader: inout TableReader) -> TokenSettings? {
        var tokens = TokenSettings()
        var source = ""
        reader.string("issuer", &tokens.issuer)
        reader.string("audience", &tokens.audience)
        reader.string("jwks", &source)
        reader.string("group", &tokens.groupClaim)
        let isEmpty = tokens.issuer.isEmpty && tokens.audience.isEmpty && source.isEmpty
        // Without any of them a token of another issuer, or for another service, would do.
        guard !isEmpty else {
            if !tokens.groupClaim.isEmpty { reader.error("issuer", "is required") }
            return nil
        }
        if tokens.issuer.isEmpty { reader.error("issuer", "is required") }
        if tokens.audience.isEmpty { reader.error("audience", "is required") }
        if let keys = keys(source) {
            tokens.keys = keys
        } else {
            reader.error(
                "jwks",
                "is required: \"file:PATH\", an https URL, or an http URL of loopback")
        }
        for text in [tokens.issuer, tokens.audience, source, tokens.groupClaim]
        where !text.utf8.allSatisfy({ 0x20...0x7E ~= $0 && $0 != 0x22 && $0 != 0x5C }) {
            reader.error("issuer", "and the texts beside it are of printable ASCII, without quotes")
        }
        return tokens
    }

    private static func keys(_ text: String) -> Source? {
        if text.hasPrefix("file:"), text.utf8.count > 5 { return .file(String(text.dropFirst(5))) }
        if text.hasPrefix("https://"), text.utf8.count > 8 { return .url(text) }
        // A list that others on the way could change would let anything in.
        let isLoopback = ["http://127.", "http://localhost:", "http://[::1]"]
            .contains { text.hasPrefix($0) }
        return isLoopback && !text.contains("@") ? .url(text) : nil
    }
}
