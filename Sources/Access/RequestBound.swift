import Dialects
import JSON
import Primitives

/// What a request may use at most, as far as its body says.
public struct RequestBound: Equatable, Sendable {
    /// Tokens of the prompt: one a byte, which no tokenizer exceeds, but for pictures.
    public private(set) var input: Int
    /// Tokens of each answer; nil where the request sets no limit.
    public private(set) var output: Int?
    /// Tokens of each answer at least, where the request sets a limit that its API does not have: a
    /// vendor may obey it, or pay no attention to it.
    public private(set) var outputAtLeast = 0
    /// How many answers are asked for.
    public private(set) var answers = 1
    /// Whether the prompt has parts that the body does not contain: a URL, a file, an earlier
    /// answer, what a tool of the vendor's finds.
    public private(set) var isOpenEnded = false
    /// Whether the vendor goes on when its client leaves, and what it uses then is not seen here.
    public private(set) var outlivesClient = false
    /// Whether the body is not here as a whole, so that it was not read.
    public private(set) var isUnread = false
    /// Whether parts of the prompt are marked to be put into a cache.
    public private(set) var writesCache = false
    /// How many prompts there are at most, none of which is longer than a model takes; nil where
    /// that is not known.
    public private(set) var promptsMax: Int?
    /// The member whose number is not written as one, so that vendors may read different ones in
    /// it; nil where there is none.
    public private(set) var unclearNumber: String?
    /// Whether the body has inputs for a model, as Mistral's conversations do; true where the body
    /// was not read.
    public private(set) var hasInputs = false
    /// The models that the body names beside the request's own.
    public private(set) var models: Set<String> = []

    /// Tokens of a picture at most: what vendors make of the largest one.
    static let pictureTokens = 8192
    /// Tokens at most of the text that a vendor puts before the prompt for its tools.
    static let toolTextTokens = 1024
    /// Whether the body can be read; false for one that begins as JSON and is none, of which a
    /// lenient vendor may read more than is known here.
    public private(set) var isReadable = true
    // A hostile number must not become a small one, nor overflow a sum.
    private static let tokensMax = 1 << 40
    private static let answersMax = 1 << 20
    // What vendors make of one request at most, where it is not known how many were asked for.
    private static let answersOfVendors = 128

    /// The bound of a body that is JSON, or a form, or another one, whose bytes are all there is to
    /// know.
    ///
    /// `limits`: those that the request's API has; `contentType`: the field's value.
    public init(_ body: Span<UInt8>, _ limits: AnswerLimits, contentType: Span<UInt8>? = nil) {
        input = body.count
        var walk = PromptWalk(limits)
        guard (try? walk.run(body)) != nil else {
            isReadable = !Self.beginsAsJSON(body)
            isOpenEnded = FormAnswers.namesAddress(in: body, contentType: contentType)
            answers = FormAnswers.count(in: body, contentType: contentType) ?? Self.answersOfVendors
            answers = min(answers, Self.answersMax)
            return
        }
        input =
            max(0, body.count - walk.pictureBytes) + walk.pictures * Self.pictureTokens
            + walk.toolTexts * Self.toolTextTokens
        output = walk.output.map { min($0, Self.tokensMax) }
        outputAtLeast = min(walk.foreignOutput, Self.tokensMax)
        // Neither of the two is more than 1e9.
        answers = min(max(1, walk.answers) * walk.prompts, Self.answersMax)
        isOpenEnded = walk.isOpenEnded
        outlivesClient = walk.isInBackground
        hasInputs = walk.hasInputs
        writesCache = walk.writesCache
        promptsMax = walk.promptsMax
        unclearNumber = walk.unclearNumber
        models = walk.models
        if unclearNumber != nil {
            answers = max(answers, min(Self.answersOfVendors * walk.prompts, Self.answersMax))
            output = nil
        }
    }

    /// The same of a request whose path names something that the vendor keeps, and that is a part
    /// of the prompt.
    public func readingStored() -> RequestBound {
        var bound = self
        bound.isOpenEnded = true
        return bound
    }

    /// The same of a request whose path starts what goes on without its client.
    public func outliving() -> RequestBound {
        var bound = self
        bound.outlivesClient = true
        return bound
    }

    private static func beginsAsJSON(_ body: Span<UInt8>) -> Bool {
        for index in body.indices {
            switch body[index] {
            // Spaces, and the bytes of a mark before the text.
            case 0...0x20, 0xEF, 0xBB, 0xBF, 0xFE, 0xFF: continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): return true
            default: return false
            }
        }
        return false
    }

    /// The bound of a body of so many bytes that is not here as a whole.
    ///
    /// `isConversation`: it is one prompt, by the path.
    public init(unreadBytes: Int, isConversation: Bool = true) {
        input = unreadBytes
        promptsMax = isConversation ? 1 : nil
        answers = Self.answersOfVendors
        isOpenEnded = true
        isUnread = true
        outlivesClient = true
        hasInputs = true
        writesCache = true
    }

    /// Tokens of all answers, where one may have so many.
    public func output(of one: Int) -> Int {
        let (product, isLarge) = one.multipliedReportingOverflow(by: answers)
        return isLarge ? Self.tokensMax : min(product, Self.tokensMax)
    }
}
