import Config
import ExchangeCore
import HTTP
import Routing
import Testing

@Suite("Whether a response is an answer")
struct AttemptVerdictTests {
    private static let policy = FailoverPolicy(Chain.Failover())

    private static func reason(
        _ status: Int, _ type: MediaType = .json, length: Int? = 9, isEncoded: Bool = false,
        isReadable: Bool = true, isPost: Bool = true, isWork: Bool = true, isOwn: Bool = false
    ) -> AttemptVerdict.HoldReason? {
        AttemptVerdict.holdReason(
            .init(
                status: status, mediaType: type, contentLength: length, isEncoded: isEncoded,
                isReadable: isReadable, bytesMax: 1000),
            isPost: isPost, isWork: isWork, isOwnCredential: isOwn, policy)
    }

    @Test("what a head leaves open")
    func heads() {
        // An error may stand in a JSON body that is no longer than may be held.
        #expect(Self.reason(200) == .answer)
        #expect(Self.reason(200, length: 1000) == .answer)
        #expect(Self.reason(200, length: 1001) == nil)
        #expect(Self.reason(200, isPost: false) == nil)
        #expect(Self.reason(200, .other) == nil)
        #expect(Self.reason(200, .eventStream, length: nil) == .stream)
        #expect(
            Self.reason(200, .eventStream, length: nil, isEncoded: true, isReadable: false) == nil)
        #expect(Self.reason(200, .html) == .refusal(.streamError))
        #expect(Self.reason(200, length: 0) == .refusal(.streamError))
        #expect(Self.reason(200, length: nil) == .answer)
        #expect(Self.reason(200, .other, isEncoded: true) == .answer)
        // A deleted file has no answer either.
        #expect(Self.reason(200, length: 0, isPost: false) == nil)
        for status in [204, 205] {
            #expect(Self.reason(status, length: nil) == .refusal(.streamError))
            #expect(Self.reason(status, isWork: false) == nil)
            #expect(Self.reason(status, isPost: false) == nil)
        }
        #expect(Self.reason(302, .html) == nil)
    }

    @Test("which statuses are a failure, and whose")
    func statuses() {
        for status in [408, 429, 500, 502, 503, 529] {
            #expect(Self.reason(status) == .refusal(.status(status)), "\(status)")
        }
        for status in [400, 401, 403, 404, 413, 422] {
            #expect(Self.reason(status) == nil, "\(status)")
        }
        for status in [401, 402, 403] {
            #expect(Self.reason(status, isOwn: true) == .refusal(.credential), "\(status)")
        }
        #expect(Self.reason(400, isOwn: true) == .suspicion)
        #expect(Self.reason(404, isOwn: true) == nil)
    }

    private static func whole(
        _ reason: AttemptVerdict.HoldReason, _ status: Int = 200, content: Bool = false,
        error: Bool = false, lacksTerminal: Bool = false, credential: Bool = false
    ) -> AttemptVerdict {
        AttemptVerdict.whole(
            .init(
                reason, status: status, showsContent: content, showsError: error,
                emptiness: "an empty stream", lacksTerminal: lacksTerminal,
                isAboutCredential: credential))
    }

    @Test("what a whole response turns out to be")
    func ends() {
        #expect(Self.whole(.stream, content: true) == .answer)
        #expect(Self.whole(.answer, content: true) == .answer)
        #expect(Self.whole(.suspicion, 400) == .answer)
        for (verdict, failureClass, what, isCertain) in [
            (
                Self.whole(.stream, content: true, lacksTerminal: true), FailureClass.streamError,
                "a stream without its terminal marker", true
            ),
            (Self.whole(.answer), .streamError, "nothing of a model's", true),
            (Self.whole(.answer, error: true), .streamError, "an error under status 200", true),
            (
                Self.whole(.answer, error: true, credential: true), .credential,
                "an error under status 200", true
            ),
            (Self.whole(.stream), .streamError, "an empty stream", true),
            (Self.whole(.stream, error: true), .streamError, "an error event", true),
            (
                Self.whole(.stream, error: true, credential: true), .credential, "an error event",
                true
            ),
            (Self.whole(.answer), .streamError, "nothing of a model's", true),
            (
                Self.whole(.refusal(.streamError)), .streamError, "nothing of a model's", true
            ),
            (Self.whole(.refusal(.status(503)), 503), .status(503), "status 503", true),
            (Self.whole(.refusal(.credential), 403), .credential, "status 403", false),
            (
                Self.whole(.refusal(.credential), 403, credential: true), .credential,
                "status 403", true
            ),
            (
                Self.whole(.suspicion, 400, credential: true), .credential,
                "status 400 for our credential", true
            ),
        ] as [(AttemptVerdict, FailureClass, String, Bool)] {
            #expect(verdict == .failed(failureClass, what: what, isCertain: isCertain))
        }
    }
}
