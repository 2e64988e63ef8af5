import JSON
import Primitives

/// What the JSON body of an answer under a good status is to a gateway that could ask another
/// vendor.
public enum AnswerBody: Equatable, Sendable {
    /// An answer, or what is not known here: it is for the client.
    case content
    /// Nothing of a model's.
    case nothing
    /// The vendor failed, and says so under a good status.
    case error

    /// What a whole JSON object is.
    ///
    /// What is no JSON object is content. Of a name that is repeated the last one counts.
    public init(_ text: Span<UInt8>) {
        guard let seen = Seen(text) else {
            self = .content
            return
        }
        if seen.isError || seen.isNamedError || seen.hasFailed && seen.isModelsAnswer {
            self = .error
        } else if seen.memberCount == 0 || seen.hasNoChoice || seen.countsOnly {
            self = .nothing
        } else {
            self = .content
        }
    }

    private struct Seen {
        var memberCount = 0
        /// `error` holds something.
        var isError = false
        /// `object` or `type` is "error", as some who follow OpenAI or Anthropic write it.
        var isNamedError = false
        /// `choices` or `candidates` is an empty list.
        var hasNoChoice = false
        /// `status` is "failed".
        var hasFailed = false
        /// It is what a model's answer is called where answers have a status: a file or a batch
        /// that failed is an answer all the same.
        var isModelsAnswer = false
        /// Gemini's counts of tokens, without a candidate or a reason for there being none.
        var countsOnly: Bool { hasCounts && !hasCandidates }
        private var hasCounts = false
        private var hasCandidates = false

        init?(_ text: Span<UInt8>) {
            var scanner = JSONScanner(text)
            guard (try? scanner.kind()) == .object else { return nil }
            var seen = Seen()
            let walked: Void? = try? scanner.object {
                (scanner, key) throws(JSONScanner.Malformed) in
                let range = try scanner.value()
                seen.take(scanner, key, range)
            }
            guard walked != nil else { return nil }
            self = seen
        }

        private init() {}

        private mutating func take(
            _ scanner: borrowing JSONScanner, _ key: Range<Int>, _ range: Range<Int>
        ) {
            memberCount += 1
            let value = scanner.bytes(at: range)
            if scanner.isKey(key, "error") {
                isError = !scanner.isNothing(range)
            } else if scanner.isKey(key, "object") || scanner.isKey(key, "type") {
                if value.matches("\"error\"") { isNamedError = true }
                if value.matches("\"response\"") || value.matches("\"interaction\"") {
                    isModelsAnswer = true
                }
            } else if scanner.isKey(key, "choices") {
                hasNoChoice = value[0] == UInt8(ascii: "[") && scanner.isNothing(range)
            } else if scanner.isKey(key, "status") {
                hasFailed = value.matches("\"failed\"")
            } else if scanner.isKey(key, "candidates") {
                hasCandidates = !scanner.isNothing(range)
            } else if scanner.isKey(key, "promptFeedback") {
                hasCandidates = true
            } else if scanner.isKey(key, "usageMetadata") {
                hasCounts = true
            }
        }
    }
}
