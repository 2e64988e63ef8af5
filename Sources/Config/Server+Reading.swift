import JSON
import Primitives

extension Configuration.Server {
    mutating func read(_ reader: inout TableReader) {
        readListen(&reader)
        reader.strings("hosts", &hosts)
        for (index, host) in hosts.enumerated()
        where host.isEmpty || host.contains("/") || host.contains(":") && !host.hasPrefix("[") {
            reader.error("hosts[\(index)]", "\"\(host)\" is no name of a host, without a port")
        }
        reader.strings("origins", &origins)
        for (index, origin) in origins.enumerated()
        where !(origin == "*" || origin == "null" || origin.contains("://"))
            || origin.hasSuffix("/") && !origin.hasSuffix("://")
        {
            reader.error(
                "origins[\(index)]",
                "\"\(origin)\" is no origin; for example \"https://app.example.com\" or "
                    + "\"vscode-webview://*\"")
        }
        reader.bool("anonymous", &isAnonymous)
        var tunnels = tunnels.rawValue
        reader.choice(
            "tunnels", &tunnels, Configuration.TunnelPolicy.allCases.map(\.rawValue))
        self.tunnels = Configuration.TunnelPolicy(rawValue: tunnels) ?? .known
        var models = models?.rawValue ?? ""
        if case .string("")? = reader.node("models") {
            models = ""
        } else {
            reader.choice(
                "models", &models, Configuration.ModelListPolicy.allCases.map(\.rawValue))
        }
        self.models = Configuration.ModelListPolicy(rawValue: models)
        reader.bool("builtin_vendors", &usesBuiltinVendors)
        reader.bool("watch", &isWatched)
        reader.integer("workers", &workers, in: 0...1024)
        reader.integer("max_connections", &maxConnections, in: 1...10_000_000)
        reader.integer(
            "max_connections_per_address", &maxConnectionsPerAddress, in: 0...10_000_000)
        reader.size("max_body", &maxBodyBytes, atLeast: 1)
        reader.size("replay_limit", &replayLimitBytes, atLeast: 0)
        reader.share("body_budget", &bodyBudget)
        if case .bytes(let bytes) = bodyBudget, bytes < replayLimitBytes {
            reader.error(
                "body_budget",
                "is less than replay_limit; a body of that size could not be kept")
        }
        reader.duration("body_timeout", &bodyTimeout, allowsZero: false)
        reader.duration("head_timeout", &headTimeout, allowsZero: false)
        reader.duration("keepalive_timeout", &keepaliveTimeout, allowsZero: false)
        reader.duration("slow_client_timeout", &slowClientTimeout, allowsZero: false)
        reader.duration("drain_timeout", &drainTimeout)
        reader.duration("drain_delay", &drainDelay)
        readProxyNetworks(&reader)
        var policy = forwarded.rawValue
        reader.choice("forwarded", &policy, ForwardedPolicy.allCases.map(\.rawValue))
        forwarded = ForwardedPolicy(rawValue: policy) ?? .pass
        reader.table("tls") { tls.read(&$0) }
    }

    private mutating func readProxyNetworks(_ reader: inout TableReader) {
        var texts: [String] = []
        reader.strings("proxy_protocol", &texts)
        for (index, text) in texts.enumerated() {
            guard let network = IPNetwork(text) else {
                reader.error(
                    "proxy_protocol[\(index)]",
                    "\"\(text)\" is no network; for example \"10.0.0.0/8\" or \"fd00::/8\", with "
                        + "no bit set beyond its length")
                continue
            }
            proxyNetworks.append(network)
        }
    }

    private func checkListen(_ reader: TableReader, _ key: String, _ text: String) {
        guard Configuration.isLocalPath(text) else {
            return reader.checkAddress(key, text, allowsEmpty: false)
        }
        let path = text.dropFirst("unix:".count)
        if !path.hasPrefix("/") || path.utf8.count > 107 || path.utf8.contains(0) {
            reader.error(
                key,
                "\"\(text)\" is no socket; allowed: a whole path of 107 bytes at most, such as "
                    + "\"unix:/run/weir/weir.sock\"")
        }
    }

    /// Whether two texts are one address; a path may be spelt in many ways.
    private static func isSame(_ one: String, _ other: String) -> Bool {
        func steps(_ text: String) -> [Substring] {
            text.split(separator: "/").filter { $0 != "." }
        }
        guard Configuration.isLocalPath(one), Configuration.isLocalPath(other) else {
            return one == other
        }
        return steps(one) == steps(other)
    }

    /// One address, or a list of them.
    private mutating func readListen(_ reader: inout TableReader) {
        switch reader.node("listen") {
        case nil: return
        case .string(let text):
            listen = [text]
            checkListen(reader, "listen", text)
        case .array(let elements):
            var texts: [String] = []
            reader.strings("listen", &texts)
            guard texts.count == elements.count else { return }
            guard !texts.isEmpty else {
                return reader.error("listen", "is empty; one address is needed at least")
            }
            for (index, text) in texts.enumerated() {
                checkListen(reader, "listen[\(index)]", text)
                // With port 0 each of them gets another port.
                guard texts[..<index].contains(where: { Self.isSame($0, text) }),
                    !text.hasSuffix(":0")
                else { continue }
                reader.error("listen[\(index)]", "\"\(text)\" is in the list already")
            }
            listen = texts
        case .some(let node):
            reader.error("listen", "\(node.kind) where an address or a list of them is needed")
        }
    }
}

extension Configuration.Log {
    /// A smaller bound would leave no room for an index and a few segments.
    private static let maxSizeLeast = 64 << 20

    mutating func read(_ reader: inout TableReader) {
        reader.string("path", &path)
        if path.isEmpty { reader.error("path", "is empty; a folder is needed") }
        reader.choice("capture", &capture, ["full", "head", "none"])
        reader.size("capture_limit", &captureLimitBytes, atLeast: 0)
        reader.duration("retain", &retain)
        reader.size("max_size", &maxSizeBytes, atLeast: 0)
        if maxSizeBytes > 0, maxSizeBytes < Self.maxSizeLeast {
            reader.error("max_size", "is less than 64MiB; \"0\" is without a bound")
        }
        reader.bool("compress", &isCompressed)
        reader.size("journal_size", &journalSizeBytes, atLeast: 1 << 20)
        reader.duration("journal_sync", &journalSync)
        var paths: [String] = []
        reader.strings("redact_paths", &paths)
        for (index, text) in paths.enumerated() {
            guard let path = JSONPath(text) else {
                reader.error(
                    "redact_paths[\(index)]",
                    "\"\(text)\" is no path; for example \"messages.*.content\"")
                continue
            }
            redactPaths.append(path)
        }
        reader.strings("redact_patterns", &redactPatterns)
        for (index, text) in redactPatterns.enumerated() {
            guard let fault = Pattern.fault(text) else { continue }
            reader.error("redact_patterns[\(index)]", "\"\(text)\" is no pattern: \(fault)")
        }
    }
}
