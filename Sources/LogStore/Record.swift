public import Dialects
public import Primitives

/// What is remembered of an exchange.
public struct Record: Equatable, Sendable {
    /// How much is known of the tokens.
    public enum UsageState: String, Sendable {
        /// The vendor said.
        case reported = "reported"
        /// The vendor did not say, or not of all of its answer, or not all of it could be read:
        /// nothing is guessed.
        case unknown = "unknown"
    }

    /// One try of the exchange against one target.
    public struct Attempt: Equatable, Sendable {
        /// The vendor's name.
        public var vendor = ""
        /// The model asked for there, where it is another than the client's.
        public var model = ""
        /// Whether it repeated the one before because a pooled connection was dead.
        public var isFresh = false
        /// Microseconds from the request's first byte to its beginning.
        public var beganMicroseconds = 0
        /// … to the vendor's head; nil without one.
        public var headMicroseconds: Int?
        /// … to its failure; nil where it did not fail.
        public var failedMicroseconds: Int?
        /// The vendor's status; 0 without one.
        public var status = 0
        /// The class of failure; empty where it did not fail.
        public var failure = ""
        /// libcurl's result; 0 is CURLE_OK.
        public var curlCode = 0
        /// What happened, in words.
        public var reason = ""
        /// Whether the vendor may have acted on it though it failed.
        public var wasSent = false
        /// Between which forms it was translated, and what that lost, as `x-weir-translated` says
        /// it; empty where it was not.
        public var translation = ""
    }

    /// A body, as far as it was kept.
    public struct Body: Equatable, Sendable {
        /// The bytes kept, as they went over the wire.
        public var bytes: [UInt8] = []
        /// Bytes of the whole.
        public var totalBytes = 0
        /// Whether some are missing.
        public var isCut: Bool { bytes.count < totalBytes }
    }

    /// The exchange's name, which the client got in `x-weir-id`.
    public var identifier: Identifier
    /// The journal it came through.
    public var journal = ""
    /// Its number there.
    public var exchange: UInt64 = 0
    /// Microseconds since 1970 of the request's first byte.
    public var acceptedMicroseconds = 0
    /// The method.
    public var method = ""
    /// Path and query, credentials taken out.
    public var target = ""
    /// The dialect of the request.
    public var dialect = Dialect.openai
    /// The chain that served it; empty without one.
    public var chain = ""
    /// The vendor that answered, or was asked last.
    public var vendor = ""
    /// The model the client asked for.
    public var model = ""
    /// The model that answered.
    public var answeringModel = ""
    /// The name of the client's key; without one a digest of its credential, or nothing.
    public var key = ""
    /// The group of the client's key; empty without one.
    public var group = ""
    /// Tokens that the key's limits are charged; nil where no key was asked for.
    public var chargedTokens: Int?
    /// Billionths of a dollar that they are charged, likewise.
    public var chargedNanodollars: Int?
    /// How sure the charge is; empty without one.
    public var chargeBasis = ""
    /// The client's address, as its connection had it; empty where it is not known.
    public var client = ""
    /// The session, as the client names it; empty where it names none.
    public var session = ""
    /// The agent within the session, likewise; empty for the one that the user speaks to.
    public var agent = ""
    /// The agent or session that started that one, likewise.
    public var parentAgent = ""
    /// The outcome's name; `interrupted` where the gateway itself ended first.
    public var outcome = Record.interrupted
    /// The status the client was given; 0 when it was given none.
    public var status = 0
    /// The tries, in order.
    public var attempts: [Attempt] = []
    /// Which of them the client got the response of, or would have, had it not gone before its
    /// head; from 1; 0 is an answer of the gateway's.
    public var answered = 0

    /// Microseconds from the request's first byte until the request was whole.
    public var requestMicroseconds = 0
    /// Microseconds until the answering vendor's head.
    public var headMicroseconds: Int?
    /// Microseconds until its first content.
    public var contentMicroseconds: Int?
    /// Microseconds until its last byte.
    public var lastByteMicroseconds: Int?
    /// Microseconds until the client had it all, or the exchange ended otherwise.
    public var endMicroseconds = 0

    /// Whether the answer was a stream of events.
    public var isStream = false
    /// Bytes of the request's body.
    public var requestBytes = 0
    /// Bytes of the response's body.
    public var responseBytes = 0
    /// Tokens by kind.
    public var usage = Usage()
    /// How much is known of them.
    public var usageState = UsageState.unknown
    /// The tier of service that the vendor says it answered in.
    public var serviceTier = ServiceTier.standard
    /// The vendor's usage objects, as JSON.
    public var usageText = ""
    /// Why the answer ended, in the vendor's words.
    public var finishReason = ""
    /// What went wrong: the gateway's word or the vendor's.
    public var errorKind = ""
    /// The same in words.
    public var errorMessage = ""
    /// What it cost, in billionths of a dollar; nil where that is not known, or where no model
    /// worked.
    public var costNanodollars: Int?
    /// The version of the price table that says so, or ``statedByVendor``.
    public var priceVersion = ""
    /// Pieces of bodies that found no room in the journal.
    public var droppedFrames = 0
    /// The `traceparent` that the client sent; empty without one that is right.
    public var trace = ""

    /// Header fields of the request, a line each, credentials taken out.
    public var requestFields = ""
    /// Header fields of the response, likewise.
    public var responseFields = ""
    /// The request's body.
    public var requestBody = Body()
    /// The response's body.
    public var responseBody = Body()

    /// Whether the request is one that vendors bill.
    public var isBilled: Bool { RequestWork.isBilled(method: method, target: target) }

    /// Stands where a price table's version does: the vendor itself stated the cost.
    public static let statedByVendor = "vendor"

    /// The outcome of an exchange that the gateway's own end cut off.
    public static let interrupted = "interrupted"

    /// A record of nothing but its name.
    public init(_ identifier: Identifier) {
        self.identifier = identifier
    }
}
