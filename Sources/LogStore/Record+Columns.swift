import Dialects
import JSON
import Primitives

// A column is added here, in one line, and nowhere else: what the store writes and reads, JSON, CSV
// and ClickHouse's table and rows are made of these lists. Their order is that of the exports; the
// numbers are what the store's rows say (RecordDetails.swift). A new column takes the next number:
// rows of before have nothing in it, and a version that does not know it passes it over.
// `ExchangeTable.swift` has those that are columns of SQL's, too, because they are searched by.
extension RecordColumn {
    /// The columns of a record: those that exports print, and those that the store alone has.
    ///
    /// `withBodies`: with header fields and bodies.
    public static func list(withBodies: Bool) -> [RecordColumn] {
        withBodies ? whole : records
    }

    private static let whole = records + bodies

    /// The numbers of those whose texts are forgotten with the bodies: `error_message`, `trace`.
    static let erased: Set<Int> = [38, 40]

    /// The columns of a record without its bodies, and what exports work out of them.
    static let records = identity + request + course + tokens + ending

    private static let identity: [RecordColumn] = [
        .written(
            "id", 1, { $0.identifier.write(to: &$1) },
            { $0.identifier = Identifier($1) ?? Identifier(high: 0, low: 0) }, isUnique: true),
        .name("journal", 2, { $0.journal }, { $0.journal = $1 }, []),
        .number(
            "exchange", 3, { Int(clamping: $0.exchange) }, { $0.exchange = UInt64(clamping: $1) },
            []),
        .text(
            "time", nil, { Timestamp.text(microseconds: $0.acceptedMicroseconds) }, nil,
            [.json, .csv]),
        .number(
            "time", nil, { $0.acceptedMicroseconds / 1_000_000 }, nil, .clickHouse,
            clickHouse: "DateTime"),
        .number(
            "time_us", 4, { $0.acceptedMicroseconds }, { $0.acceptedMicroseconds = $1 },
            .clickHouse, storedAs: "accepted_us"),
        .name("outcome", 13, { $0.outcome }, { $0.outcome = $1 }),
        .number("status", 14, { $0.status }, { $0.status = $1 }, clickHouse: "UInt16"),
    ]

    private static let request: [RecordColumn] = [
        .name("method", 5, { $0.method }, { $0.method = $1 }),
        .text("target", 6, { $0.target }, { $0.target = $1 }),
        .name(
            "dialect", 7, { $0.dialect.rawValue },
            { $0.dialect = Dialect(rawValue: $1) ?? .openai }),
        .name("chain", 8, { $0.chain }, { $0.chain = $1 }),
        .name("vendor", 9, { $0.vendor }, { $0.vendor = $1 }),
        .name("model", 10, { $0.model }, { $0.model = $1 }),
        .name("answering_model", 11, { $0.answeringModel }, { $0.answeringModel = $1 }),
        .name("key", 12, { $0.key }, { $0.key = $1 }),
        .flag("stream", 23, { $0.isStream }, { $0.isStream = $1 }, storedAs: "is_stream"),
    ]

    private static let course: [RecordColumn] = [
        .number("answered", 17, { $0.answered }, { $0.answered = $1 }, .json),
        .tree("attempts", { AttemptList.value($0.attempts) }),
        .number("attempts", nil, { $0.attempts.count }, nil, .csv),
        .written(
            "attempts", 15, { AttemptList.write($0.attempts, to: &$1) },
            { $0.attempts = AttemptList.attempts($1) }, .clickHouse),
        .number(
            "attempt_count", 16, { $0.attempts.count }, nil, .clickHouse, clickHouse: "UInt8"),
        .number(
            "request_us", 18, { $0.requestMicroseconds }, { $0.requestMicroseconds = $1 },
            [.json, .clickHouse]),
        .optional("head_us", 19, { $0.headMicroseconds }, { $0.headMicroseconds = $1 }),
        .optional("content_us", 20, { $0.contentMicroseconds }, { $0.contentMicroseconds = $1 }),
        .optional(
            "last_byte_us", 21, { $0.lastByteMicroseconds }, { $0.lastByteMicroseconds = $1 }),
        .number("end_us", 22, { $0.endMicroseconds }, { $0.endMicroseconds = $1 }),
        .number("request_bytes", 24, { $0.requestBytes }, { $0.requestBytes = $1 }),
        .number("response_bytes", 25, { $0.responseBytes }, { $0.responseBytes = $1 }),
    ]

    private static let tokens: [RecordColumn] = [
        .name(
            "usage_state", 34, { $0.usageState.rawValue },
            { $0.usageState = Record.UsageState(rawValue: $1) ?? .unknown }),
        .text("usage", 35, { $0.usageText }, { $0.usageText = $1 }, .clickHouse),
        .optional("input_tokens", 26, { $0.usage.input }, { $0.usage.input = $1 }),
        .optional("output_tokens", 27, { $0.usage.output }, { $0.usage.output = $1 }),
        .optional("cache_read_tokens", 28, { $0.usage.cacheRead }, { $0.usage.cacheRead = $1 }),
        .optional("cache_write_tokens", 29, { $0.usage.cacheWrite }, { $0.usage.cacheWrite = $1 }),
        .optional(
            "cache_write_long_tokens", 30, { $0.usage.cacheWriteLong },
            { $0.usage.cacheWriteLong = $1 }),
        .optional("reasoning_tokens", 31, { $0.usage.reasoning }, { $0.usage.reasoning = $1 }),
        .optional("audio_input_tokens", 32, { $0.usage.audioInput }, { $0.usage.audioInput = $1 }),
        .optional(
            "audio_output_tokens", 33, { $0.usage.audioOutput }, { $0.usage.audioOutput = $1 }),
        .tree("usage", { try? JSONValue(parsing: $0.usageText) }),
        .optional(
            "cost_nanodollars", 41, { $0.costNanodollars }, { $0.costNanodollars = $1 },
            .clickHouse),
        .decimal("cost_usd", { $0.costNanodollars.map { Double($0) / 1e9 } }, [.json, .csv]),
        .name("price_version", 42, { $0.priceVersion }, { $0.priceVersion = $1 }),
    ]

    private static let ending: [RecordColumn] = [
        .name("finish_reason", 36, { $0.finishReason }, { $0.finishReason = $1 }),
        .name("error_kind", 37, { $0.errorKind }, { $0.errorKind = $1 }),
        .text("error_message", 38, { $0.errorMessage }, { $0.errorMessage = $1 }),
        .number(
            "dropped_frames", 39, { $0.droppedFrames }, { $0.droppedFrames = $1 },
            clickHouse: "UInt32"),
        .text("trace", 40, { $0.trace }, { $0.trace = $1 }, [.json, .clickHouse]),
        // Not in ClickHouse: tables that are there already would refuse rows with them.
        .optional(
            "image_input_tokens", 43, { $0.usage.imageInput }, { $0.usage.imageInput = $1 },
            [.json, .csv]),
        .optional(
            "image_output_tokens", 44, { $0.usage.imageOutput }, { $0.usage.imageOutput = $1 },
            [.json, .csv]),
        .name(
            "service_tier", 45, { $0.serviceTier == .standard ? "" : $0.serviceTier.rawValue },
            { $0.serviceTier = ServiceTier(rawValue: $1) ?? .standard }, [.json, .csv]),
        .name("client", 46, { $0.client }, { $0.client = $1 }, [.json, .csv]),
        .name("session", 47, { $0.session }, { $0.session = $1 }, [.json, .csv]),
        .name("agent", 48, { $0.agent }, { $0.agent = $1 }, [.json, .csv]),
        .name("parent_agent", 49, { $0.parentAgent }, { $0.parentAgent = $1 }, [.json, .csv]),
        .text("error_class", 50, { $0.errorClass }, nil, [.json, .csv]),
        .text("sent_model", 51, { $0.sentModel }, nil, [.json, .csv]),
        .name("key_group", 52, { $0.group }, { $0.group = $1 }, [.json, .csv]),
        .optional(
            "charged_tokens", 53, { $0.chargedTokens }, { $0.chargedTokens = $1 }, [.json, .csv]),
        .optional(
            "charged_nanodollars", 54, { $0.chargedNanodollars }, { $0.chargedNanodollars = $1 },
            [.json, .csv]),
        .name("charge_basis", 55, { $0.chargeBasis }, { $0.chargeBasis = $1 }, [.json, .csv]),
    ]

    /// What is wide; records of version 0.1 have it in the table `bodies`.
    static let bodies: [RecordColumn] = [
        .text(
            "request_fields", 1, { $0.requestFields }, { $0.requestFields = $1 },
            [.json, .clickHouse]),
        .body("request_body", 2, { $0.requestBody }, { $0.requestBody.bytes = $1 }),
        .number(
            "request_total", 3, { $0.requestBody.totalBytes }, { $0.requestBody.totalBytes = $1 },
            []),
        .text(
            "response_fields", 4, { $0.responseFields }, { $0.responseFields = $1 },
            [.json, .clickHouse]),
        .body("response_body", 5, { $0.responseBody }, { $0.responseBody.bytes = $1 }),
        .number(
            "response_total", 6, { $0.responseBody.totalBytes },
            { $0.responseBody.totalBytes = $1 }, []),
    ]
}
