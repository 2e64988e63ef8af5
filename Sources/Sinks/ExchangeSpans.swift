import Dialects
import JSON
import LogStore
import Primitives

/// The spans of one exchange.
struct ExchangeSpans {
    private let stored: StoredRecord
    private let servers: VendorServers
    private let trace: String
    private let root: String
    private let parent: String?

    init(_ stored: StoredRecord, servers: VendorServers) {
        self.stored = stored
        self.servers = servers
        let identifier = stored.record.identifier
        let caller = TraceParent(stored.record.trace)
        trace = caller?.trace ?? Self.hex(identifier.high) + Self.hex(identifier.low)
        parent = caller?.span
        root = Self.hex(max(identifier.low, 1))
    }

    private static func hex(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// The exchange's span, then those of its attempts.
    var all: [JSONValue] {
        [exchange] + stored.record.attempts.indices.map(attempt)
    }

    private var exchange: JSONValue {
        let record = stored.record
        let path = String(record.target.prefix { $0 != "?" })
        let attributes = AttributeList { list in
            list.add("http.request.method", record.method)
            list.add("url.path", path)
            if record.status > 0 { list.add("http.response.status_code", record.status) }
            list.add("weir.id", stored.id)
            list.add("weir.outcome", record.outcome)
            list.add("weir.chain", record.chain)
            list.add("weir.attempts", record.attempts.count)
            list.add("weir.key", record.key)
            list.add("error.type", isFailed ? errorType : "")
        }
        return span(
            root, parent: parent, name: "\(record.method) \(path)", kind: 2, from: 0,
            to: record.endMicroseconds, attributes, isFailed ? failureText : nil)
    }

    /// What its metrics are counted by, after the conventions; nil where no vendor was asked.
    var metricAttributes: [(String, String)]? {
        let record = stored.record
        let answering = record.answered - 1
        let index =
            record.attempts.indices.contains(answering) ? answering : record.attempts.indices.last
        guard let index else { return nil }
        let attempt = record.attempts[index]
        let provider = Self.provider(attempt.vendor, attempt.translatedDialect ?? record.dialect)
        return [
            ("gen_ai.operation.name", Self.operation(record)),
            ("gen_ai.provider.name", provider),
            ("gen_ai.request.model", attempt.model.isEmpty ? record.model : attempt.model),
            ("gen_ai.response.model", record.answeringModel),
            ("server.address", servers[attempt.vendor]?.address ?? ""),
            ("weir.vendor", attempt.vendor), ("weir.group", record.group),
            ("error.type", isFailed || record.status >= 400 ? record.errorClass : ""),
        ]
    }

    private var isFailed: Bool {
        stored.record.outcome != "complete" || stored.record.status >= 500
    }

    private var errorType: String {
        let record = stored.record
        return record.errorKind.isEmpty ? record.outcome : record.errorKind
    }

    private var failureText: String {
        stored.record.errorMessage.isEmpty ? stored.record.outcome : stored.record.errorMessage
    }

    private func attempt(_ index: Int) -> JSONValue {
        let record = stored.record
        let attempt = record.attempts[index]
        let isAnswering = index + 1 == record.answered
        let model = attempt.model.isEmpty ? record.model : attempt.model
        let operation = Self.operation(record)
        let server = servers[attempt.vendor]
        let attributes = AttributeList { list in
            list.add("gen_ai.operation.name", operation)
            let dialect = attempt.translatedDialect ?? record.dialect
            list.add("gen_ai.provider.name", Self.provider(attempt.vendor, dialect))
            list.add("gen_ai.request.model", model)
            list.add("server.address", server?.address ?? "")
            list.add("server.port", server?.port)
            list.add("weir.vendor", attempt.vendor)
            if attempt.status > 0 { list.add("http.response.status_code", attempt.status) }
            if isAnswering { answer(record, attempt, to: &list) }
            list.add("error.type", attempt.failure)
        }
        let end =
            attempt.failedMicroseconds ?? (isAnswering ? record.lastByteMicroseconds : nil)
            ?? record.endMicroseconds
        let failure =
            !attempt.failure.isEmpty ? attempt.reason : isAnswering && isFailed ? failureText : nil
        return span(
            Self.hex(span(of: index)), parent: root,
            name: model.isEmpty ? operation : "\(operation) \(model)", kind: 3,
            from: attempt.beganMicroseconds, to: end, attributes, failure)
    }

    /// An id for an attempt's span: the same whenever it is sent, and no other's.
    private func span(of index: Int) -> UInt64 {
        // The golden ratio in 64 bits: an odd number, whose multiples lie far apart.
        max(1, stored.record.identifier.low &+ (UInt64(index) &+ 1) &* 0x9E37_79B9_7F4A_7C15)
    }

    private func answer(
        _ record: Record, _ attempt: Record.Attempt, to list: inout AttributeList
    ) {
        if record.isStream { list.add("gen_ai.request.stream", true) }
        list.add("gen_ai.response.model", record.answeringModel)
        list.add(
            "gen_ai.response.finish_reasons",
            list: record.finishReason.isEmpty ? [] : [record.finishReason])
        list.add(
            "gen_ai.response.time_to_first_chunk",
            record.contentMicroseconds.map {
                Double(max(0, $0 - attempt.beganMicroseconds)) / 1e6
            })
        // Unknown tokens are left out: zero would be a lie. So are those of work that
        // another span has reported already.
        let usage = record.isBilled ? record.usage : Usage()
        list.add("gen_ai.usage.input_tokens", usage.input)
        list.add("gen_ai.usage.output_tokens", usage.output)
        list.add("gen_ai.usage.cache_read.input_tokens", usage.cacheRead)
        list.add(
            "gen_ai.usage.cache_creation.input_tokens",
            usage.cacheWrite.map { $0 + (usage.cacheWriteLong ?? 0) })
        list.add("gen_ai.usage.reasoning.output_tokens", usage.reasoning)
        list.add("gen_ai.usage.audio.input_tokens", usage.audioInput)
        list.add("gen_ai.usage.audio.output_tokens", usage.audioOutput)
    }

    /// The operation in the conventions' words, from the path.
    private static func operation(_ record: Record) -> String {
        let path = record.target.prefix { $0 != "?" }
        let last = path.split(separator: "/").last ?? ""
        let verb = last.split(separator: ":").last ?? last
        if path.hasSuffix("/chat/completions") { return "chat" }
        switch verb {
        case "messages", "responses": return "chat"
        case "completions": return "text_completion"
        case "embeddings", "embedContent", "batchEmbedContents": return "embeddings"
        case "generateContent", "streamGenerateContent": return "generate_content"
        default: return verb.isEmpty ? "request" : String(verb)
        }
    }

    private static let providers: Set<String> = [
        "openai", "anthropic", "groq", "mistral_ai", "deepseek", "x_ai", "perplexity", "cohere",
        "moonshot_ai",
    ]

    private static func provider(_ vendor: String, _ dialect: Dialect) -> String {
        if providers.contains(vendor) { return vendor }
        return dialect == .gemini ? "gcp.gemini" : dialect.rawValue
    }

    private func span(
        _ id: String, parent: String?, name: String, kind: Int, from: Int, to: Int,
        _ attributes: AttributeList, _ failure: String?
    ) -> JSONValue {
        func time(_ offset: Int) -> JSONValue {
            .string("\(stored.record.acceptedMicroseconds &+ offset)000")
        }
        var members: [JSONValue.Member] = [
            .member("traceId", .string(trace)), .member("spanId", .string(id)),
        ]
        if let parent { members.append(.member("parentSpanId", .string(parent))) }
        members += [
            .member("name", .string(name)), .member("kind", .number("\(kind)")),
            .member("startTimeUnixNano", time(from)),
            .member("endTimeUnixNano", time(max(from, to))),
            .member("attributes", attributes.value),
        ]
        if let failure {
            members.append(
                .member(
                    "status",
                    .object([
                        .member("code", .number("2")), .member("message", .string(failure)),
                    ])))
        }
        return .object(members)
    }
}
