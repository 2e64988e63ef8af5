/// The tokens of an answer by kind, as its vendor reported them, brought to one meaning.
///
/// Input holds what was read from and written to caches; output holds reasoning. A kind the vendor
/// said nothing of is nil, which is not zero.
public struct Usage: Equatable, Sendable {
    /// All tokens of the request.
    public var input: Int?
    /// All tokens of the answer.
    public var output: Int?
    /// Input tokens that a cache had.
    public var cacheRead: Int?
    /// Input tokens that were put into a cache for minutes.
    public var cacheWrite: Int?
    /// Input tokens that were put into a cache for an hour or longer.
    public var cacheWriteLong: Int?
    /// Output tokens of reasoning, which the answer does not show.
    public var reasoning: Int?
    /// Image input tokens, without those that the vendor says a cache had.
    public var imageInput: Int?
    /// Image output tokens.
    public var imageOutput: Int?
    /// Audio input tokens, without those that the vendor says a cache had.
    public var audioInput: Int?
    /// Audio output tokens.
    public var audioOutput: Int?

    /// Nothing reported.
    public init() {}

    /// Whether nothing was reported.
    public var isEmpty: Bool { input == nil && output == nil }
}
