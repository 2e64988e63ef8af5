import Primitives

extension Configuration {
    /// Whether a client must show a key.
    ///
    /// Where gateways share keys one is asked for before the others' are known.
    public var asksForKeys: Bool {
        access.isRequired || !keys.isEmpty || access.tokens != nil || limits.store != nil
    }

    /// Whether a client must show a certificate.
    public var asksForCertificates: Bool { !server.tls.clientAuthorities.isEmpty }

    /// `[access]`, `[groups]` and `[keys]` as TOML, a line each.
    var accessDescription: [String] {
        var lines = [
            "", "[access]", "required = \(access.isRequired)",
            "output_default = \(access.outputDefault)",
            "hold_max = \"\(access.holdMax.map { Money.text(nanodollars: $0) } ?? "")\"",
            "", "[access.jwt]", "issuer = \(quote(access.tokens?.issuer ?? ""))",
            "audience = \(quote(access.tokens?.audience ?? ""))",
            "jwks = \(quote(access.tokens?.keysText ?? ""))",
            "group = \(quote(access.tokens?.groupClaim ?? ""))",
        ]
        lines += [
            "", "[limits]", "store = \"\(limits.store?.description ?? "")\"",
            "outage = \"\(limits.outage.rawValue)\"", "ca_file = \"\(limits.caFile)\"",
        ]
        for group in groups {
            lines += [
                "", "[groups.\"\(group.name)\"]", "parent = \"\(group.parent)\"",
                "each = \(group.isEach)",
            ]
            lines += describe(group.limits)
        }
        for key in keys {
            let digests = key.digests.map { "\"sha256:\($0)\"" }.joined(separator: ", ")
            lines += [
                "", "[keys.\"\(key.name)\"]", "digest = [\(digests)]", "group = \"\(key.group)\"",
                "subject = \(quote(key.subject))",
            ]
            if let expires = key.expires {
                lines.append("expires = \(Timestamp.text(microseconds: expires))")
            }
            lines += [
                "chains = \(list(key.chains))",
                "models = \(list(key.models))",
            ]
            lines += describe(key.limits)
        }
        return lines
    }

    private func describe(_ limits: LimitSettings) -> [String] {
        [
            "requests = \"\(limits.requests?.description ?? "")\"",
            "tokens = \"\(limits.tokens?.description ?? "")\"",
            "concurrent = \(limits.concurrent ?? 0)",
            "budget = \"\(limits.budget?.description ?? "")\"",
            "unpriced = \"\(limits.allowsUnpriced ? "allow" : "refuse")\"",
            "on_budget = "
                + (limits.budgetChain.map { "{ chain = \"\($0)\" }" } ?? "\"refuse\""),
            "queue = { max = \(limits.queue?.max ?? 0), "
                + "wait = \"\(limits.queue?.wait ?? .zero)\" }",
        ]
    }
}
