import ExchangeCore
import Journal
import Primitives
import Reactor

/// Writes whole calls into a ring, frame by frame as a worker does.
final class CallWriter {
    struct RingIsFull: Error {}

    let file: JournalFile
    private var writer: JournalWriter
    private let shape: CallShape
    private let isAside: Bool
    private var random: RandomSource
    private var time = Instant.now()
    private var wall = 1_780_000_000_000_000
    private let pieces: [[UInt8]]
    private let requestPieces: [[UInt8]]
    private let requestBytes: Int

    init(
        _ file: JournalFile, _ waker: Waker, _ shape: CallShape, isAside: Bool, seed: UInt64
    ) {
        self.file = file
        writer = JournalWriter(file, waker: waker)
        self.shape = shape
        self.isAside = isAside
        random = RandomSource(seed: seed)
        pieces = shape.pieces
        let filling = String(
            repeating: "The stream passes over the weir. ", count: shape.requestBytes / 33)
        let request = Array(
            """
            {"model":"gpt-4o-mini","messages":[{"role":"user","content":"\(filling)"}],\
            "stream":\(shape.isStream)}
            """.utf8)
        requestBytes = request.count
        requestPieces = stride(from: 0, to: request.count, by: 16 << 10).map {
            Array(request[$0..<min($0 + (16 << 10), request.count)])
        }
    }

    /// Writes a call.
    func append() throws {
        let identifier = Identifier.next(using: &random, milliseconds: UInt64(wall / 1000))
        wall += 50
        var payload = PayloadWriter()
        BeginPayload(
            identifier: identifier, wallMicroseconds: wall, acceptedBeforeNanoseconds: 30_000,
            dialect: 0, keyDigest: 0x0123_4567_89AB_CDEF, bodyBytes: requestBytes,
            target: "/v1/chat/completions", chain: "default", fields: Self.requestFields,
            client: "192.0.2.17"
        ).write(to: &payload)
        guard let number = writer.begin(payload.bytes, time: tick()) else { throw RingIsFull() }
        func tag(_ attempt: Int = 0) -> JournalWriter.FrameTag {
            JournalWriter.FrameTag(exchange: number, attempt: attempt, time: tick())
        }
        var offset = 0
        for piece in requestPieces { try body(.requestBody, tag(), piece, &offset) }
        payload.removeAll()
        AttemptPayload(vendor: "openai").write(to: &payload)
        try check(writer.append(.attemptBegan, tag(1), payload.bytes))
        payload.removeAll()
        HeadPayload(isEventStream: shape.isStream, fields: Self.responseFields).write(to: &payload)
        try check(writer.append(.responseHead, tag(1), detail: 200, payload.bytes))
        offset = 0
        for piece in pieces { try body(.chunk, tag(1), piece, &offset) }
        payload.removeAll()
        SettlementPayload(
            identifier: identifier, wallMicroseconds: wall + 900,
            outcome: Outcome.complete.rawValue, status: 200, attempts: 1, answered: 1,
            durationNanoseconds: 870_000, headNanoseconds: 700_000, lastByteNanoseconds: 860_000,
            requestBytes: requestBytes, responseBytes: pieces.reduce(0) { $0 + $1.count },
            vendor: "openai"
        ).write(to: &payload)
        let (delivered, settled) = (tag(), tag())
        writer.appendDelivery(delivered, payload.bytes)
        writer.settle(settled, isDeliveryWritten: true, payload.bytes)
    }

    private func tick() -> Instant {
        time = time + Interval(nanoseconds: 3000)
        return time
    }

    private func body(
        _ kind: FrameKind, _ tag: JournalWriter.FrameTag, _ piece: [UInt8], _ offset: inout Int
    ) throws {
        defer { offset += piece.count }
        if isAside {
            try check(writer.appendBodyAside(kind, tag, piece.span, at: offset))
        } else {
            try check(writer.appendBody(kind, tag, piece.span, at: offset))
        }
    }

    private func check(_ isWritten: Bool) throws {
        guard isWritten else { throw RingIsFull() }
    }

    // As a client library sends them, credentials taken out.
    private static let requestFields = """
        host: 127.0.0.1:8080\r
        accept-encoding: gzip, deflate\r
        connection: keep-alive\r
        accept: application/json\r
        content-type: application/json\r
        user-agent: OpenAI/Python 1.99.1\r
        x-stainless-lang: python\r
        x-stainless-package-version: 1.99.1\r
        x-stainless-os: Linux\r
        x-stainless-arch: x64\r
        x-stainless-runtime: CPython\r
        x-stainless-runtime-version: 3.12.3\r
        authorization: <redacted>\r
        x-stainless-async: false\r
        x-stainless-retry-count: 0\r
        x-stainless-read-timeout: 600\r
        content-length: 1080\r

        """

    private static let responseFields = """
        date: Mon, 10 Mar 2025 01:31:23 GMT\r
        content-type: application/json\r
        content-length: 912\r
        connection: keep-alive\r
        access-control-expose-headers: X-Request-ID\r
        openai-organization: example-org\r
        openai-processing-ms: 1024\r
        openai-version: 2020-10-01\r
        x-ratelimit-limit-requests: 10000\r
        x-ratelimit-limit-tokens: 200000\r
        x-ratelimit-remaining-requests: 9999\r
        x-ratelimit-remaining-tokens: 199982\r
        x-ratelimit-reset-requests: 8.64s\r
        x-ratelimit-reset-tokens: 5ms\r
        x-request-id: req_0123456789abcdef0123456789abcdef\r
        strict-transport-security: max-age=31536000; includeSubDomains; preload\r

        """
}
