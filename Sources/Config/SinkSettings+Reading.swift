import Primitives

extension TableReader {
    /// `[sinks.NAME]`, in the order of their names.
    mutating func readSinks(into configuration: inout Configuration, _ secrets: SecretSource) {
        var sinks: [SinkSettings] = []
        namedTables("sinks") { sinks.append(SinkSettings.read($0, &$1, secrets)) }
        configuration.sinks = sinks.sorted { $0.name < $1.name }
        var paths: Set<String> = []
        for sink in configuration.sinks where sink.kind == .jsonl {
            guard !paths.insert(sink.path).inserted else { continue }
            let target = sink.path == "-" ? "standard output" : sink.path
            error("sinks.\(sink.name).path", "another sink writes to \(target) already")
        }
    }
}

extension SinkSettings {
    static func read(
        _ name: String, _ reader: inout TableReader, _ secrets: SecretSource
    ) -> SinkSettings {
        var kind = ""
        reader.choice("kind", &kind, Kind.allCases.map(\.rawValue))
        if !reader.has("kind") {
            reader.error("kind", "is required; allowed: jsonl, otlp, otlp_metrics, clickhouse")
        }
        var sink = SinkSettings(name: name, kind: Kind(rawValue: kind) ?? .jsonl)
        switch sink.kind {
        case .jsonl:
            reader.string("path", &sink.path)
            if sink.path.isEmpty { reader.error("path", "is empty; \"-\" is standard output") }
            reader.size("rotate_size", &sink.rotateBytes, atLeast: 0)
            reader.integer("rotate_keep", &sink.rotateKeep, in: 1...10_000)
            reader.bool("bodies", &sink.bodies)
        case .otlp, .otlpMetrics:
            sink.readRemote(&reader, secrets)
        case .clickhouse:
            sink.readRemote(&reader, secrets)
            reader.identifier("database", &sink.database)
            reader.identifier("table", &sink.table)
            reader.string("user", &sink.user)
            sink.password = reader.secret("password", secrets)
            reader.bool("bodies", &sink.bodies)
        }
        reader.integer("batch", &sink.batch, in: 1...100_000)
        if sink.password != nil || !sink.headers.isEmpty {
            reader.warnOfOpenKeys("url", of: sink.url)
        }
        return sink
    }

    private mutating func readRemote(_ reader: inout TableReader, _ secrets: SecretSource) {
        reader.string("url", &url)
        let example =
            switch kind {
            case .otlp: "http://collector:4318/v1/traces"
            case .otlpMetrics: "http://collector:4318/v1/metrics"
            case .clickhouse, .jsonl: "http://clickhouse:8123"
            }
        if url.isEmpty {
            reader.error("url", "is required, for example \"\(example)\"")
        } else if !url.hasPrefix("http://") && !url.hasPrefix("https://")
            || !url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        {
            let shown = Vendor.withoutSecrets(url)
            reader.error("url", "\"\(shown)\" is no URL; for example \"\(example)\"")
        }
        reader.string("ca_file", &caFile)
        reader.duration("timeout", &timeout, allowsZero: false)
        reader.table("headers") { table in
            for name in table.names {
                // Asked for one by one, so that none is left over as unknown.
                if let value = table.secret(name, secrets, warns: false) {
                    headers.append(Header(name: name, value: value))
                }
                if !name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x3A }) {
                    table.error(name, "is no name of a header field")
                }
            }
        }
    }
}

extension TableReader {
    /// A secret: `env:NAME`, `file:PATH`, or the text itself, which is warned about.
    mutating func secret(
        _ key: String, _ secrets: SecretSource, warns: Bool = true
    ) -> Secret? {
        var text = ""
        string(key, &text)
        guard !text.isEmpty else { return nil }
        var value: String?
        if text.hasPrefix("env:") {
            value = secrets.environment(String(text.dropFirst(4)))
        } else if text.hasPrefix("file:") {
            value = secrets.file(String(text.dropFirst(5)))
        } else {
            if warns {
                warn(key, "stands in the file itself; \"env:NAME\" or \"file:PATH\" keep it out")
            }
            value = text
        }
        let trimmed = value.map { String($0.split(whereSeparator: \.isNewline).first ?? "") } ?? ""
        guard !trimmed.isEmpty else {
            error(key, "\(text) cannot be read, or it is empty")
            return nil
        }
        guard trimmed.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else {
            error(key, "holds a byte that no header field may carry")
            return nil
        }
        return Secret(trimmed)
    }

    /// A name that SQL takes without quotes.
    mutating func identifier(_ key: String, _ value: inout String) {
        string(key, &value)
        let isName =
            !value.isEmpty && value.first?.isNumber == false
            && value.utf8.allSatisfy { byte in
                byte == 0x5F || 0x30...0x39 ~= byte || 0x41...0x5A ~= byte || 0x61...0x7A ~= byte
            }
        if !isName { error(key, "\"\(value)\" is no name; allowed: letters, digits, underscores") }
    }
}
