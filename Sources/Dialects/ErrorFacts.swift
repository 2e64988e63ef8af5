import JSON
public import Primitives

/// What an error of a vendor's says beyond its status, in whichever of the many shapes it comes.
public struct ErrorFacts: Equatable, Sendable {
    /// Whether the credential is refused, or has no quota or money left: the same request may well
    /// succeed with another.
    public var isCredential = false
    /// When the vendor wants to be asked again, where the body says so.
    public var retryAfter: Interval?

    /// Nothing beyond the status.
    public init() {}

    /// What an error's JSON text says; nothing when it is none.
    public init(_ text: Span<UInt8>) {
        guard var root = try? JSONValue(parsing: text) else { return }
        // Gemini wraps errors of streams that are arrays.
        if let first = root.elements?.first { root = first }
        let error = root["error"] ?? root
        let words = [
            error["type"]?.text, error["code"]?.text, error["status"]?.text,
            error["details"]?["error_code"]?.text, root["code"]?.text, root["type"]?.text,
        ].compactMap { $0 }
        let details = error["details"]?.elements ?? []
        let reasons = details.compactMap { $0["reason"]?.text }
        isCredential = (words + reasons).contains { Self.credentialWords.contains($0) }
        if !isCredential, let message = error["message"]?.text {
            // Anthropic reports a spent balance as an invalid request; only its message says so.
            // Only at its beginning: the rest may quote what the client sent.
            isCredential = Self.spentPhrases.contains { message.hasPrefix($0) }
        }
        retryAfter = details.compactMap { $0["retryDelay"]?.text }.first.flatMap(Self.seconds)
    }

    private static let credentialWords: Set<String> = [
        // OpenAI and those who follow it
        "insufficient_quota", "credit_balance_exhausted", "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded", "organization_usage_limit_exceeded", "invalid_api_key",
        "account_deactivated", "billing_hard_limit_reached", "billing_not_active",
        // Anthropic
        "authentication_error", "billing_error", "permission_error",
        "enforced_spend_limit_reached", "contract_spend_limit_reached", "organization_on_hold",
        // Google
        "API_KEY_INVALID", "UNAUTHENTICATED", "PERMISSION_DENIED", "BILLING_DISABLED",
    ]

    private static let spentPhrases = [
        "Your credit balance is too low", "You have reached your specified API usage limits",
    ]

    /// A duration such as `46s` or `1.5s`.
    private static func seconds(_ text: String) -> Interval? {
        guard text.hasSuffix("s"), let seconds = Double(text.dropLast()), seconds >= 0,
            seconds < 1e6
        else { return nil }
        return Interval(nanoseconds: Int64(seconds * 1e9))
    }
}
