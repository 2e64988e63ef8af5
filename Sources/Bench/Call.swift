import ExchangeCore
import HTTP
import JSON
import Primitives
import Transfers

/// One call in flight.
final class Call: TransferDelegate {
    /// The outcome of a call.
    struct Outcome: Sendable {
        var fault: Fault?
        /// From the beginning to the first byte of the body, in nanoseconds.
        var firstByte: Int64 = 0
        /// … to the first content.
        var firstContent: Int64 = 0
        /// … to the end.
        var total: Int64 = 0
        /// Between two pieces of text.
        var gaps: [Int64] = []
        var chunks = 0
    }

    private let ended: (Call) -> Void
    private var answer: Answer
    private let streams: Bool
    private let breaks: Bool
    private(set) var outcome = Outcome()
    /// When the call was due: a wait after that counts for the target.
    private let began: Instant
    private var status = 0
    private var firstByteAt: Instant?
    private(set) var transfer: Transfer?
    private(set) var heard: HeardAnswer?

    /// A call that began at a time; `breaks` where the script makes the vendor break off.
    init(
        _ expectation: HeardAnswer?, streams: Bool, breaks: Bool = false, began: Instant,
        ended: @escaping (Call) -> Void
    ) {
        answer = Answer(expectation, streams: streams)
        self.streams = streams
        self.breaks = breaks
        self.began = began
        self.ended = ended
    }

    /// Sends the request.
    func start(_ lanes: Lanes, _ endpoint: Endpoint, _ request: CallRequest) {
        guard let transfer = lanes.makeTransfer(to: endpoint) else {
            return finish(.noAnswer("CURLE_OUT_OF_MEMORY"))
        }
        request.write(to: transfer)
        self.transfer = transfer
        if let result = lanes.start(transfer, delegate: self) {
            self.transfer = nil
            finish(.noAnswer(result.code.name))
        }
    }

    /// Ends the call unfinished.
    func cancel(_ lanes: Lanes) {
        if let transfer { lanes.cancel(transfer) }
        transfer = nil
    }

    func transferReceivedHead(_ transfer: Transfer) {
        status = transfer.head.status
    }

    func transfer(_ transfer: Transfer, received bytes: Span<UInt8>) {
        let now = Instant.now()
        if firstByteAt == nil { firstByteAt = now }
        answer.take(bytes, at: now)
    }

    func transfer(_ transfer: Transfer, fill space: UnsafeMutableRawBufferPointer) -> UploadPiece {
        .end
    }

    func transferEnded(_ transfer: Transfer, _ result: TransferResult) {
        let isComplete = transfer.head.isComplete
        self.transfer = nil
        guard result.code == .ok, isComplete else {
            let isAnswer = isComplete && result.sawResponse
            return finish(
                isAnswer ? .brokenOff(result.code.name) : .noAnswer(result.code.name))
        }
        guard status == 200 else { return finish(.status(status)) }
        finish(answer.end())
    }

    private func finish(_ fault: Fault?) {
        let end = Instant.now()
        func since(_ instant: Instant?) -> Int64 { ((instant ?? end) - began).nanoseconds }
        outcome.fault = fault
        outcome.firstByte = since(firstByteAt)
        outcome.firstContent = since(answer.contentTimes.first ?? firstByteAt)
        outcome.total = since(end)
        outcome.chunks = max(1, answer.contentTimes.count)
        let times = answer.contentTimes
        outcome.gaps = zip(times.dropFirst(), times).map { ($0 - $1).nanoseconds }
        if breaks { outcome.fault = judgeBroken(fault) }
        if fault == nil {
            heard = HeardAnswer(
                body: answer.bytes, contents: answer.contents, contentEnds: answer.contentEnds)
        }
        ended(self)
    }

    /// An answer that the vendor broke off may have any fault; it must only not look whole.
    private func judgeBroken(_ fault: Fault?) -> Fault? {
        switch fault {
        case nil, .missingTerminal?, .missingChunk?: answer.sawError ? nil : .falselyComplete
        default: nil
        }
    }
}

/// A request as it is sent to one target.
struct CallRequest: Sendable {
    let target: BenchPlan.Target
    let body: [UInt8]

    init(_ plan: BenchPlan, _ target: BenchPlan.Target, streams: Bool, script: String) {
        self.target = target
        // A prompt of words, so that it is as compressible and as long as one is.
        let words = String(repeating: "lorem ", count: max(1, plan.promptBytes / 6))
        let text = script.isEmpty ? words : "\(words)[[mock \(script)]]"
        var members = [
            JSONValue.Member("model", .string(plan.model)),
            JSONValue.Member("stream", .bool(streams)),
        ]
        if let most = plan.tokensMax {
            members.append(JSONValue.Member("max_tokens", .number("\(most)")))
        }
        let message = JSONValue.object([
            JSONValue.Member("role", .string("user")),
            JSONValue.Member("content", .string(text)),
        ])
        members.append(JSONValue.Member("messages", .array([message])))
        body = Array(JSONValue.object(members).description.utf8)
    }

    func write(to transfer: Transfer) {
        transfer.target.append(text: "\(target.basePath)/chat/completions")
        transfer.headers.add(name: "content-type", value: "application/json")
        transfer.headers.add(name: "accept", value: "application/json")
        transfer.headers.add(name: "user-agent", value: "weir-bench")
        let key = target.key?.reveal() ?? "sk-none"
        transfer.headers.add(name: "authorization", value: "Bearer \(key)")
        var bytes = ByteBuffer()
        bytes.append(body.span)
        transfer.prepare(
            method: .post, body: .bytes(KeptBody(bytes)), connectTimeout: .seconds(5))
    }
}
