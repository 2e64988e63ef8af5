import Dialects
import HTTP
import Primitives

extension TableReader {
    /// Vendors of the file join the three that are always there, or change them.
    mutating func readVendors(into configuration: inout Configuration, _ secrets: SecretSource) {
        // The order of the file decides which vendor of a dialect is first.
        var named: [Vendor] = []
        namedTables("vendors") { named.append(Vendor.read($0, &$1, secrets)) }
        let names = Set(named.map(\.name))
        configuration.vendors = named
        if configuration.server.usesBuiltinVendors {
            configuration.vendors += Vendor.defaults.filter { !names.contains($0.name) }
        } else if named.isEmpty {
            error(
                "server.builtin_vendors",
                "false leaves no vendor, because the file has none under [vendors.NAME]")
        }
        checkAuthorities(configuration.vendors)
        checkProxies(configuration.vendors)
    }
}

extension TableReader {
    /// Connections are kept by scheme, host and port: one made with one vendor's authorities may
    /// serve another's request.
    private func checkAuthorities(_ vendors: [Vendor]) {
        for (index, vendor) in vendors.enumerated() where vendor.scheme == "https" {
            let other = vendors[..<index].first {
                $0.scheme == "https" && $0.host == vendor.host && $0.port == vendor.port
                    && $0.caFile != vendor.caFile
            }
            guard let other else { continue }
            error(
                "vendors.\(vendor.name).ca_file",
                "differs from that of \(other.name), which has the same host and port"
            )
        }
    }
}

extension Vendor {
    static func read(
        _ name: String, _ reader: inout TableReader, _ secrets: SecretSource
    ) -> Vendor {
        let known = defaults.first { $0.name == name }
        var vendor = known ?? Vendor(name: name, dialect: .openai, host: "", basePath: "")
        var dialect = known?.dialect.rawValue ?? ""
        reader.choice("dialect", &dialect, Dialect.allCases.map(\.rawValue))
        if let chosen = Dialect(rawValue: dialect) {
            vendor.dialect = chosen
        } else if !reader.has("dialect") {
            reader.error("dialect", "is required; allowed: openai, anthropic, gemini")
        }
        var base = ""
        reader.string("base_url", &base)
        if reader.has("base_url") {
            vendor.readBase(base, reader)
        } else if known == nil {
            reader.error("base_url", "is required, for example \"https://api.example.com/v1\"")
        }
        vendor.readCredential(&reader, secrets)
        vendor.readHeaders(&reader, secrets)
        vendor.warnOfMistakes(reader)
        vendor.proxy = reader.proxy("proxy", secrets)
        vendor.readDroppedFields(&reader)
        var policy = vendor.onClientDisconnect.rawValue
        reader.choice(
            "on_client_disconnect", &policy, DisconnectPolicy.allCases.map(\.rawValue),
            renamed: "drain", to: "continue")
        vendor.onClientDisconnect = DisconnectPolicy(rawValue: policy) ?? .cancel
        reader.bool("rewrite_urls", &vendor.rewritesURLs)
        reader.string("ca_file", &vendor.caFile)
        reader.optionalDuration("connect", &vendor.connect, allowsZero: false)
        reader.optionalDuration("first_content", &vendor.firstContent)
        reader.optionalDuration("idle", &vendor.idle)
        var terminal = vendor.terminal.rawValue
        reader.choice("terminal", &terminal, TerminalPolicy.allCases.map(\.rawValue))
        vendor.terminal = TerminalPolicy(rawValue: terminal) ?? .lenient
        var usage = vendor.includeUsage.rawValue
        reader.choice("include_usage", &usage, UsagePolicy.allCases.map(\.rawValue))
        vendor.includeUsage = UsagePolicy(rawValue: usage) ?? .client
        if vendor.includeUsage == .inject, vendor.dialect != .openai {
            reader.error(
                "include_usage", "\"inject\" is for dialect openai: the others always state it")
        }
        reader.bool("translate", &vendor.translates)
        reader.bool("quirks", &vendor.appliesQuirks)
        vendor.readAPIs(&reader)
        return vendor
    }

    private mutating func readBase(_ text: String, _ reader: TableReader) {
        func fail(_ message: String) {
            let shown = Self.withoutSecrets(text)
            reader.error(
                "base_url", "\"\(shown)\" \(message); for example \"https://api.example.com/v1\"")
        }
        var rest = Substring(text)
        if rest.hasPrefix("https://") {
            scheme = "https"
            rest = rest.dropFirst(8)
        } else if rest.hasPrefix("http://") {
            scheme = "http"
            rest = rest.dropFirst(7)
        } else {
            return fail("must begin with https:// or http://")
        }
        guard rest.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !rest.contains("#") else {
            return fail("must have a plain path and no fragment")
        }
        let question = rest.firstIndex(of: "?") ?? rest.endIndex
        baseQuery = String(rest[question...].dropFirst())
        rest = rest[..<question]
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        var authority = rest[..<slash]
        var path = String(rest[slash...])
        while path.hasSuffix("/") { path.removeLast() }
        guard !RequestPath.hasDotSegments(Array(path.utf8).span) else {
            return fail("must have a path without dot segments")
        }
        basePath = path
        port = scheme == "https" ? 443 : 80
        if let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") {
            guard let number = UInt16(authority[authority.index(after: colon)...]), number > 0
            else {
                return fail("has a port that is none")
            }
            port = Int(number)
            authority = authority[..<colon]
        }
        let isPlain = authority.utf8.allSatisfy { byte in
            byte == 0x2D || byte == 0x2E || byte == 0x5F || byte == 0x3A || byte == 0x5B
                || byte == 0x5D || 0x30...0x39 ~= byte || 0x41...0x5A ~= byte || 0x61...0x7A ~= byte
        }
        guard !authority.isEmpty, isPlain, authority.hasPrefix("[") == authority.contains(":"),
            authority.hasPrefix("[") == authority.hasSuffix("]")
        else {
            return fail("has no host, or one that is none")
        }
        host = authority.lowercased()
    }

    /// A URL without what may be a key in it, before an `@` or in a query: no text of ours repeats
    /// a secret.
    static func withoutSecrets(_ url: String) -> String {
        var shown = Substring(url)
        if let query = shown.firstIndex(where: { $0 == "?" || $0 == "#" }) {
            shown = shown[...query] + "<redacted>"
        }
        guard let at = shown.lastIndex(of: "@") else { return String(shown) }
        let scheme = shown.prefix { $0.isLetter }
        let start =
            shown[scheme.endIndex...].hasPrefix("://")
            ? shown.index(scheme.endIndex, offsetBy: 3) : shown.startIndex
        return shown[..<start] + "<redacted>" + shown[at...]
    }

    private mutating func readCredential(_ reader: inout TableReader, _ secrets: SecretSource) {
        guard let node = reader.node("credential") else { return }
        guard case .string(let text) = node else {
            return reader.error(
                "credential",
                "\(node.kind) where \"client\", \"none\", \"env:NAME\" or \"file:PATH\" is needed"
            )
        }
        func take(_ value: String?, _ missing: String) {
            let value = value.map { String($0.drop(while: \.isNewline)) }
            var trimmed = value ?? ""
            while let last = trimmed.last, last.isWhitespace { trimmed.removeLast() }
            guard !trimmed.isEmpty else { return reader.error("credential", missing) }
            guard trimmed.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
                return reader.error(
                    "credential",
                    trimmed.lowercased().hasPrefix("bearer ")
                        ? "begins with \"Bearer\", which the gateway writes itself"
                        : "holds a byte that no key has: a space, a control character, or none of "
                            + "ASCII")
            }
            credential = .own(Secret(trimmed))
        }
        if text == "client" {
            credential = .client
        } else if text == "none" {
            credential = .none
        } else if text.hasPrefix("env:") {
            let name = String(text.dropFirst(4))
            take(
                secrets.environment(name), "the environment has no variable \(name), or it is empty"
            )
        } else if text.hasPrefix("file:") {
            let path = String(text.dropFirst(5))
            take(secrets.file(path), "the file \(path) cannot be read, or it is empty")
        } else {
            take(text, "is empty; allowed: \"client\", \"none\", \"env:NAME\", \"file:PATH\"")
            reader.warn(
                "credential", "stands in the file itself; \"env:NAME\" or \"file:PATH\" keep it out"
            )
        }
    }

    private mutating func readHeaders(_ reader: inout TableReader, _ secrets: SecretSource) {
        guard reader.has("headers") else { return }
        headers = []
        reader.table("headers") { table in
            for name in table.names.sorted() {
                guard let value = Self.header(name, &table, secrets) else { continue }
                headers.append(value)
            }
        }
    }

    private static func header(
        _ name: String, _ table: inout TableReader, _ secrets: SecretSource
    ) -> Header? {
        // Names that would undo the framing or the connection are no extra headers.
        let reserved: Set<String> = [
            "host", "content-length", "transfer-encoding", "connection", "expect", "upgrade", "te",
            "trailer", "keep-alive",
        ]
        var text = ""
        table.string(name, &text)
        let isToken =
            !name.isEmpty
            && name.utf8.allSatisfy { byte in
                byte > 0x20 && byte < 0x7F && !"\"(),/:;<=>?@[\\]{}".utf8.contains(byte)
            }
        guard isToken else {
            table.error(name, "is no name of a header field")
            return nil
        }
        guard !reserved.contains(name.lowercased()) else {
            table.error(name, "belongs to the connection and cannot be set")
            return nil
        }
        if text.hasPrefix("env:") || text.hasPrefix("file:") {
            return table.secret(name, secrets).map {
                Header(name: name, value: $0, isCredential: true)
            }
        }
        guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
            table.error(name, "holds a control byte")
            return nil
        }
        let isCredential =
            HeaderName(Array(name.utf8).span).isCredential
            || CredentialShape.next(in: Array(text.utf8).span) != nil
        if isCredential, !text.isEmpty {
            table.warn(
                name, "stands in the file itself; \"env:NAME\" or \"file:PATH\" keep it out")
        }
        return Header(name: name, value: Secret(text), isCredential: isCredential)
    }
}
