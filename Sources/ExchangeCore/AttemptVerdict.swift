public import HTTP
public import Routing

/// Whether a response is an answer: what its head leaves open, and what its end says.
public enum AttemptVerdict: Equatable, Sendable {
    /// It is one: pass it on.
    case answer
    /// It is none: the attempt failed. `what` says for people what came instead. `isCertain`: if a
    /// credential is at fault, this is certain.
    case failed(FailureClass, what: String, isCertain: Bool)

    /// What a held response is held for.
    public enum HoldReason: Equatable, Sendable {
        /// The first content of a stream of events.
        case stream
        /// The first JSON object of an answer, or its first byte that begins none: an error may
        /// stand in it under a good status. Spaces, which some vendors send while they think, and
        /// the frame of a compressed nothing are no answer.
        case answer
        /// The end of an answer whose head says that it is none, so that another target may give
        /// one.
        case refusal(FailureClass)
        /// The end of an answer that is the client's own fault, unless its body says that a
        /// credential of ours is at fault.
        case suspicion
    }

    /// What a response's head says, as far as it matters here.
    public struct Head {
        /// The HTTP status.
        public var status: Int
        /// What kind of body follows.
        public var mediaType: MediaType
        /// Bytes of the body, where the head declares them.
        public var contentLength: Int?
        /// Whether it has a content coding.
        public var isEncoded: Bool
        /// Whether its body can be looked into.
        public var isReadable: Bool
        /// Bytes that may be held.
        public var bytesMax: Int

        /// The facts of a head.
        public init(
            status: Int, mediaType: MediaType, contentLength: Int?, isEncoded: Bool,
            isReadable: Bool, bytesMax: Int
        ) {
            self.status = status
            self.mediaType = mediaType
            self.contentLength = contentLength
            self.isEncoded = isEncoded
            self.isReadable = isReadable
            self.bytesMax = bytesMax
        }
    }

    /// What a response with this head is held for, where another attempt could follow; nil when it
    /// is passed on at once.
    ///
    /// `isPost`: the request may ask a model. `isWork`: it makes one work, so that there must be an
    /// answer. `isOwnCredential`: it goes out with one of ours.
    public static func holdReason(
        _ head: Head, isPost: Bool, isWork: @autoclosure () -> Bool, isOwnCredential: Bool,
        _ policy: FailoverPolicy
    ) -> HoldReason? {
        if head.status >= 400 {
            let failure = failureClass(status: head.status, isOwnCredential: isOwnCredential)
            if policy.movesOn(from: failure) { return .refusal(failure) }
            // A spent balance and an invalid key come as 400 from some.
            let mayBeCredential =
                isOwnCredential && policy.movesOn(from: .credential)
                && (head.status == 400 || head.status == 403 || head.status == 429)
            return mayBeCredential ? .suspicion : nil
        }
        guard head.status < 300, policy.movesOn(from: .streamError) else { return nil }
        // No Content and Reset Content have no body, however they are framed.
        if head.status == 204 || head.status == 205 {
            return isPost && isWork() ? .refusal(.streamError) : nil
        }
        switch head.mediaType {
        // An unknown coding hides the content.
        case .eventStream: return head.isReadable ? .stream : nil
        // A page is no model's answer: it is the error of a proxy between us and the vendor.
        case .html: return .refusal(.streamError)
        case .json, .other:
            guard head.status == 200, isPost else { return nil }
            guard let length = head.contentLength else { return .answer }
            if length == 0 { return .refusal(.streamError) }
            if head.isEncoded { return .answer }
            // What is longer than may be held is no error's body.
            return head.mediaType == .json && length <= head.bytesMax ? .answer : nil
        }
    }

    /// The class of an answer with this status.
    public static func failureClass(status: Int, isOwnCredential: Bool) -> FailureClass {
        switch status {
        case 401, 402, 403: isOwnCredential ? .credential : .status(status)
        default: .status(status)
        }
    }

    /// What a held response has shown.
    public struct Held {
        /// Why it was held.
        public var reason: HoldReason
        /// The HTTP status.
        public var status: Int
        /// Whether it showed content.
        public var showsContent: Bool
        /// Whether an event of it is an error.
        public var showsError: Bool
        /// What a stream without content is, for people.
        public var emptiness: String
        /// Whether it is a stream that had to end in a marker, and did not.
        public var lacksTerminal: Bool
        /// Whether its error is about a credential of ours.
        public var isAboutCredential: Bool

        /// What a response with these properties has shown.
        public init(
            _ reason: HoldReason, status: Int, showsContent: Bool, showsError: Bool,
            emptiness: String, lacksTerminal: Bool, isAboutCredential: Bool
        ) {
            self.reason = reason
            self.status = status
            self.showsContent = showsContent
            self.showsError = showsError
            self.emptiness = emptiness
            self.lacksTerminal = lacksTerminal
            self.isAboutCredential = isAboutCredential
        }
    }

    /// The verdict on a held response that is whole.
    public static func whole(_ held: Held) -> AttemptVerdict {
        switch held.reason {
        case .stream where held.showsContent && held.lacksTerminal:
            return .failed(
                .streamError, what: "a stream without its terminal marker", isCertain: true)
        case .stream where held.showsContent, .answer where held.showsContent:
            return .answer
        case .answer:
            return .failed(
                held.isAboutCredential ? .credential : .streamError,
                what: held.showsError
                    ? "an error under status \(held.status)" : "nothing of a model's",
                isCertain: true)
        case .stream:
            return .failed(
                held.isAboutCredential ? .credential : .streamError,
                what: held.showsError ? "an error event" : held.emptiness, isCertain: true)
        case .refusal(let failure):
            let what = failure == .streamError ? "nothing of a model's" : "status \(held.status)"
            return .failed(
                held.isAboutCredential ? .credential : failure, what: what,
                // A 403 may be about one model, or one region, as well.
                isCertain: held.isAboutCredential || held.status != 403)
        case .suspicion where held.isAboutCredential:
            return .failed(
                .credential, what: "status \(held.status) for our credential", isCertain: true)
        case .suspicion:
            // It was the client's fault after all.
            return .answer
        }
    }
}
