import Config
import Dialects
import ExchangeCore
import HTTP
import Primitives
import Transfers

/// How a request's body is taken in: kept whole, so that it can be sent again, or passed on as it
/// comes because it is too large to keep.
///
/// It decides about the head and every piece; the exchange acts.
struct RequestIntake: ~Copyable {
    /// The next step after a piece of a request.
    enum Step {
        /// Nothing yet.
        case wait
        /// There is no memory for more: the client is not read until there is some.
        case awaitRoom
        /// The request is routed and sent; what is still to come of its body follows.
        case begin
        /// The transfer is woken: more of a body that goes on is here.
        case resume
        /// The vendor has answered without wanting the rest, which is dropped.
        case drop
        case refuse(Failure)
        /// As `refuse`, after some of the body was passed on.
        case refuseMidStream(Failure)
    }

    /// The bounds of a body.
    struct Bounds {
        let bytesMax: Int
        let keptBytesMax: Int
        /// Whether a body can be passed on at all: the gateway's own pages keep theirs.
        let canStream: Bool

        /// Bytes of a body that is taken at all.
        var acceptedBytesMax: Int { canStream ? bytesMax : min(bytesMax, keptBytesMax) }
    }

    private enum Mode {
        case keep
        case stream(length: Int?)
    }

    private var mode = Mode.keep
    /// Bytes of a streamed body that were passed on.
    var passedBytes = 0
    /// The body, once it is whole and to be sent.
    private var body: KeptBody?
    /// What is counted for the body as it is received.
    private var charge = BodyCharge()
    /// The content of the body, once it was read.
    private(set) var content: RequestContent?
    /// Bytes of a body too large to keep at which its model is looked for again; 0: it is not.
    private var modelScanBytes = 0

    /// Whether the body is passed on as it comes.
    var isStreaming: Bool {
        if case .stream = mode { return true }
        return false
    }

    /// Bytes of the request's body, as far as they are known.
    func bytes(of head: borrowing RequestHead) -> Int {
        passedBytes > 0 ? passedBytes : head.contentLength ?? 0
    }

    // MARK: What came

    /// The head is here.
    ///
    /// `needsModel`: whether the route depends on the model, which the body names.
    mutating func headArrived(
        _ head: borrowing RequestHead, _ bounds: Bounds, needsModel: @autoclosure () -> Bool
    ) -> Step {
        guard let length = head.contentLength else { return .wait }
        guard length <= bounds.bytesMax else { return .refuse(.tooLarge(bounds.bytesMax)) }
        guard length > bounds.keptBytesMax else { return .wait }
        guard bounds.canStream else { return .refuse(.tooLarge(bounds.keptBytesMax)) }
        // The model decides the route, so it is read before the body is sent.
        if needsModel() {
            modelScanBytes = Limits.modelScanBytesMin
            return .wait
        }
        mode = .stream(length: length)
        return .begin
    }

    /// More of the body is here, or its end.
    ///
    /// `isInFlight`: whether a vendor may still take it; `isWhole`: whether this is its end;
    /// `needsModel`: as for the head.
    mutating func bodyArrived(
        _ request: RequestParser, _ bounds: Bounds, _ budget: BodyBudget, isInFlight: Bool,
        isWhole: Bool, needsModel: @autoclosure () -> Bool
    ) -> Step {
        let count = request.body.count
        let room = charge.cover(storage: request.body.capacity, of: budget)
        switch mode {
        case .keep:
            guard count <= bounds.bytesMax else { return .refuse(.tooLarge(bounds.bytesMax)) }
            // A body that is here to its end gives its memory back the sooner it is sent. One that
            // is passed on holds little, so that it needs no room.
            let mustWait = room == .none || room == .short && !isWhole
            if mustWait, bounds.canStream, !needsModel() {
                mode = .stream(length: request.head.contentLength)
                return .begin
            }
            if room == .none { return .refuse(.noRoomForBody) }
            if mustWait { return .awaitRoom }
            if modelScanBytes > 0 { return scanForModel(request, bounds) }
            guard count > bounds.keptBytesMax else { return .wait }
            guard bounds.canStream else { return .refuse(.tooLarge(bounds.keptBytesMax)) }
            // Chunks without a length in the head grew too large to keep: from here they stream.
            mode = .stream(length: nil)
            return .begin
        case .stream:
            guard isInFlight else { return .drop }
            guard passedBytes + count <= bounds.bytesMax else {
                return .refuseMidStream(.tooLarge(bounds.bytesMax))
            }
            return .resume
        }
    }

    /// Begins to pass a large body on once its beginning has shown its model, or will not show it.
    private mutating func scanForModel(_ request: RequestParser, _ bounds: Bounds) -> Step {
        guard request.body.count >= min(modelScanBytes, bounds.keptBytesMax) else { return .wait }
        let found: RequestContent = request.withHead { head in
            request.withBody { RequestContent(head, $0.bytes, isWhole: false) }
        }
        switch found.model.finding {
        case .named:
            content = found
        case .none, .unreadable:
            // Twice as much each time: all of it is walked over twice at most.
            modelScanBytes = 2 * request.body.count
            if request.body.count < bounds.keptBytesMax { return .wait }
        }
        modelScanBytes = 0
        mode = .stream(length: request.head.contentLength)
        return .begin
    }

    // MARK: The body

    /// What the body says of its model; read once, when it is first asked for.
    mutating func readContent(_ request: RequestParser) -> RequestContent {
        if let content { return content }
        let isWhole = !isStreaming
        let content = request.withHead { head in
            withBody(of: request) { RequestContent(head, $0.bytes, isWhole: isWhole) }
        }
        self.content = content
        return content
    }

    /// The body for a vendor: what was received, in memory or as it comes.
    ///
    /// `spare`: an empty body that may be filled, and is taken then.
    mutating func bodyToSend(of request: RequestParser, spare: inout KeptBody?) -> RequestBody {
        switch mode {
        case .stream(let length): return .stream(length: length)
        case .keep:
            guard request.head.hasBody else { return .none }
            if let body { return .bytes(body) }
            let body = spare.take() ?? KeptBody(ByteBuffer())
            body.fill(from: &request.body, charge: &charge)
            self.body = body
            return .bytes(body)
        }
    }

    /// Lends the body, wherever it is.
    func withBody<R>(of request: RequestParser, _ use: (borrowing ByteBuffer) -> R) -> R {
        if let body { return body.withBytes(use) }
        return request.withBody(use)
    }

    /// Lets go of a body that is refused: its client may be long in taking the refusal.
    mutating func dropBody(of request: RequestParser) {
        request.body.release()
        charge = BodyCharge()
    }

    /// The body, which the request needs no more.
    mutating func takeBody() -> KeptBody? { body.take() }
}
