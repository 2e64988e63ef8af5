public import HTTP
import Primitives

/// The API that a request speaks: its dialect, and whose endpoint it is.
public enum API: Int, CaseIterable, Sendable {
    case openai, anthropic, gemini
    /// Google's endpoint for clients of OpenAI's: a vendor of Gemini's, spoken to in OpenAI's
    /// dialect.
    case geminiCompatible

    /// The shapes of its requests, answers and errors.
    public var dialect: Dialect {
        switch self {
        case .openai, .geminiCompatible: .openai
        case .anthropic: .anthropic
        case .gemini: .gemini
        }
    }

    /// The dialect of the vendor that serves it where no chain does.
    public var home: Dialect {
        self == .geminiCompatible ? .gemini : dialect
    }

    /// Whether a vendor of a dialect can serve it without a translation.
    public func isServed(by vendor: Dialect) -> Bool {
        vendor == home || vendor == dialect
    }

    /// The API of a request, from its path, and where the path is common to several from the shape
    /// of its credential; nil where the path is no vendor's.
    ///
    /// `path` is the request's, without what a chain's prefix takes of it.
    public init?(of head: borrowing RequestHead, path: Span<UInt8>) {
        switch RequestPath.owner(of: path) {
        case .openai: self = .openai
        case .anthropic: self = .anthropic
        case .gemini: self = .gemini
        case .geminiCompatible: self = .geminiCompatible
        case .noVendor: return nil
        case .shared:
            switch CallerCredential.vendor(of: head) {
            case .openai: self = .openai
            case .anthropic: self = .anthropic
            case .gemini: self = .gemini
            }
        }
    }

    /// The API of a vendor's own dialect: for paths that a chain alone knows.
    public init(_ dialect: Dialect) {
        switch dialect {
        case .openai: self = .openai
        case .anthropic: self = .anthropic
        case .gemini: self = .gemini
        }
    }
}
