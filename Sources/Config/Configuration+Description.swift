import Dialects
import JSON
import Primitives

extension Configuration {
    /// The effective configuration as TOML, every default spelled out, secrets redacted.
    public var description: String {
        var lines: [String] = []
        lines += [
            "[server]", "listen = \(oneOrList(server.listen))", "hosts = \(list(server.hosts))",
            "origins = \(list(server.origins))", "anonymous = \(server.isAnonymous)",
            "proxy_protocol = \(list(server.proxyNetworks.map(\.description)))",
            "forwarded = \(quote(server.forwarded.rawValue))",
            "tunnels = \(quote(server.tunnels.rawValue))",
            "models = \(quote(server.models?.rawValue ?? ""))",
            "builtin_vendors = \(server.usesBuiltinVendors)", "watch = \(server.isWatched)",
            "workers = \(server.workers)",
            "max_connections = \(server.maxConnections)",
            "max_connections_per_address = \(server.maxConnectionsPerAddress)",
            "max_body = \(size(server.maxBodyBytes))",
            "replay_limit = \(size(server.replayLimitBytes))",
            "body_budget = \(quote(server.bodyBudget.text))",
            "body_timeout = \(time(server.bodyTimeout))",
            "head_timeout = \(time(server.headTimeout))",
            "keepalive_timeout = \(time(server.keepaliveTimeout))",
            "slow_client_timeout = \(time(server.slowClientTimeout))",
            "drain_timeout = \(time(server.drainTimeout))",
            "drain_delay = \(time(server.drainDelay))", "",
        ]
        lines += describe(server.tls, "server")
        lines += [
            "[admin]", "listen = \(quote(admin.listen))",
            "token = \(quote(admin.token?.description ?? ""))",
            "show_content = \(admin.showsContent)", "",
        ]
        lines += describe(admin.tls, "admin")
        lines += [
            "[alerts]", "webhook = \(quote(alerts.webhook?.description ?? ""))",
            "budget_percent = \(alerts.budgetPercent)", "spend_factor = \(alerts.spendFactor)",
            "cache_drop = \(alerts.cacheDrop)", "",
            "[log]", "path = \(quote(log.path))", "capture = \(quote(log.capture))",
            "capture_limit = \(size(log.captureLimitBytes))", "retain = \(time(log.retain))",
            "max_size = \(size(log.maxSizeBytes))", "compress = \(log.isCompressed)",
            "journal_size = \(size(log.journalSizeBytes))",
            "journal_sync = \(time(log.journalSync))",
            "redact_paths = \(list(log.redactPaths.map(\.description)))",
            "redact_patterns = \(list(log.redactPatterns))", "",
            "[prices]", "file = \(quote(prices.file))", "version = \(quote(prices.version))",
        ]
        lines += accessDescription
        for model in prices.models { lines += describe(model) }
        for sink in sinks { lines += describe(sink) }
        for vendor in vendors { lines += describe(vendor) }
        for chain in chains { lines += describe(chain) }
        for row in quirks { lines += row.description }
        for alias in models {
            lines += [
                "", "[models.\(key(alias.name))]", "model = \(quote(alias.model))",
                "vendor = \(quote(alias.vendor))",
            ]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func describe(_ tls: ListenerTLS, _ section: String) -> [String] {
        let certificates = tls.certificates.map {
            "{ certificate = \(quote($0.chain)), key = \(quote($0.key)) }"
        }
        let isList = certificates.count > 1
        let first = tls.certificates.first ?? ListenerTLS.Certificate()
        return ["[\(section).tls]"]
            + (isList
                ? ["certificate = [\(certificates.joined(separator: ", "))]", "key = \"\""]
                : ["certificate = \(quote(first.chain))", "key = \(quote(first.key))"])
            + [
                "client_ca = \(quote(tls.clientAuthorities))",
                "min_version = \(quote(tls.versionMin))", "",
            ]
    }

    private func describe(_ vendor: Vendor) -> [String] {
        let credential =
            switch vendor.credential {
            case .client: "\"client\""
            case .none: "\"none\""
            case .own(let secret): "\"\(secret)\""
            }
        // Values of extra headers may be secrets too.
        let headers = vendor.headers.map { "\(quote($0.name)) = \"<redacted>\"" }
        return [
            "", "[vendors.\(key(vendor.name))]", "dialect = \(quote(vendor.dialect.rawValue))",
            "base_url = \(quote(vendor.baseURL))", "credential = \(credential)",
            "headers = { \(headers.joined(separator: ", ")) }",
            "proxy = \(quote(vendor.proxy?.description ?? ""))",
            "drop_headers = \(list(vendor.dropHeaders))",
            "on_client_disconnect = \(quote(vendor.onClientDisconnect.rawValue))",
            "rewrite_urls = \(vendor.rewritesURLs)",
            "ca_file = \(quote(vendor.caFile))", "connect = \(time(vendor.connect))",
            "first_content = \(time(vendor.firstContent))", "idle = \(time(vendor.idle))",
            "terminal = \(quote(vendor.terminal.rawValue))",
            "include_usage = \(quote(vendor.includeUsage.rawValue))",
            "translate = \(vendor.translates)", "quirks = \(vendor.appliesQuirks)",
        ] + (vendor.dialect == .openai ? ["apis = \(list(vendor.apis.map(\.rawValue)))"] : [])
    }

    private func describe(_ chain: Chain) -> [String] {
        let targets = chain.targets.map { target in
            "  { vendor = \(quote(target.vendor))"
                + (target.model.map { ", model = \(quote($0))" } ?? "") + " },"
        }
        let clocks = chain.clocks
        let failover = chain.failover
        let statuses = failover.statuses.map { Int($0) == nil ? quote($0) : $0 }
        return [
            "", "[[chains]]", "name = \(quote(chain.name))", "prefix = \(quote(chain.prefix))",
            "paths = [\(chain.paths.map(quote).joined(separator: ", "))]",
            "models = [\(chain.models.map(quote).joined(separator: ", "))]", "targets = [",
        ] + targets + [
            "]", "attempts = \(chain.attempts)", "retries = \(chain.retries)",
            "translate = \(chain.translates)",
            "translate_loss = \(quote(chain.translateLoss.rawValue))",
            "tunnel = \(chain.tunnel)", "heartbeat = \(time(chain.heartbeat))",
            "hold_bytes = \(size(chain.holdBytes))",
            "hold_time = \(time(chain.holdTime))", "",
            "[chains.clocks]", "connect = \(time(clocks.connect))",
            "first_content = \(time(clocks.firstContent))", "idle = \(time(clocks.idle))",
            "tunnel_idle = \(time(clocks.tunnelIdle))",
            "content_idle = \(time(clocks.contentIdle))", "total = \(time(clocks.total))", "",
            "[chains.failover]", "connect = \(failover.connect)", "timeout = \(failover.timeout)",
            "reset = \(failover.reset)", "statuses = [\(statuses.joined(separator: ", "))]",
            "credential = \(failover.credential)", "stream_error = \(failover.streamError)",
            "cooldown = \(time(failover.cooldown))", "cooldown_after = \(failover.cooldownAfter)",
        ]
    }

    private func describe(_ model: PriceSettings.Model) -> [String] {
        ["", "[prices.models.\(quote(model.glob))]"]
            + model.prices.map { "\($0.name) = \($0.dollars)" }
            + [("max_input", model.maxInput), ("max_output", model.maxOutput)].filter { $0.1 > 0 }
            .map { "\($0.0) = \($0.1)" }
    }

    private func describe(_ sink: SinkSettings) -> [String] {
        var lines = ["", "[sinks.\(quote(sink.name))]", "kind = \(quote(sink.kind.rawValue))"]
        switch sink.kind {
        case .jsonl:
            lines += [
                "path = \(quote(sink.path))", "rotate_size = \(size(sink.rotateBytes))",
                "rotate_keep = \(sink.rotateKeep)", "bodies = \(sink.bodies)",
            ]
        case .otlp, .otlpMetrics, .clickhouse:
            let headers = sink.headers.map { "\(quote($0.name)) = \"\($0.value)\"" }
            lines += [
                "url = \(quote(Vendor.withoutSecrets(sink.url)))",
                "ca_file = \(quote(sink.caFile))",
                "timeout = \(time(sink.timeout))",
                "headers = { \(headers.joined(separator: ", ")) }",
            ]
        }
        if sink.kind == .clickhouse {
            lines += [
                "database = \(quote(sink.database))", "table = \(quote(sink.table))",
                "user = \(quote(sink.user))", "bodies = \(sink.bodies)",
            ]
            if let password = sink.password { lines.append("password = \"\(password)\"") }
        }
        return lines + ["batch = \(sink.batch)"]
    }

    func list(_ texts: [String]) -> String {
        "[\(texts.map(quote).joined(separator: ", "))]"
    }

    private func oneOrList(_ texts: [String]) -> String {
        texts.count == 1 ? quote(texts[0]) : list(texts)
    }

    /// A text as a basic string of TOML, on one line.
    func quote(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\", "\"":
                quoted += "\\"
                quoted.unicodeScalars.append(scalar)
            case "\u{0}"..<" ", "\u{7F}":
                let digits = String(scalar.value, radix: 16, uppercase: true)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    /// A name as a key, in quotes where it needs them.
    private func key(_ name: String) -> String {
        let isBare = name.utf8.allSatisfy {
            0x30...0x39 ~= $0 || 0x41...0x5A ~= $0 || 0x61...0x7A ~= $0 || $0 == 0x2D || $0 == 0x5F
        }
        return isBare ? name : quote(name)
    }

    private func size(_ bytes: Int) -> String { quote(Quantities.describe(bytes: bytes)) }

    private func time(_ interval: Interval?) -> String { quote(interval?.description ?? "") }
}
