extension TableReader {
    /// An address is numeric, so that starting never waits for a resolver.
    func checkAddress(_ key: String, _ text: String, allowsEmpty: Bool) {
        if text.isEmpty, allowsEmpty { return }
        guard let colon = text.lastIndex(of: ":"), UInt16(text[text.index(after: colon)...]) != nil,
            isNumericHost(text[..<colon])
        else {
            return error(
                key, "\"\(text)\" is no address; allowed: \"127.0.0.1:8080\", \"[::1]:8080\"")
        }
    }

    private func isNumericHost(_ host: Substring) -> Bool {
        if host == "localhost" { return true }
        if host.hasPrefix("[") {
            return host.hasSuffix("]") && host.contains(":")
                && host.dropFirst().dropLast().allSatisfy { $0.isHexDigit || ":.".contains($0) }
        }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
    }

    mutating func checkUniqueNames(_ chains: [Chain]) {
        var seen: Set<String> = []
        for (index, chain) in chains.enumerated()
        where !chain.name.isEmpty && !seen.insert(chain.name).inserted {
            error("chains[\(index)].name", "another chain is named \"\(chain.name)\" already")
        }
    }
}
