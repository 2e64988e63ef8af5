/// `[access.jwt]`: the issuer whose tokens let clients in.
public struct TokenSettings: Sendable, Equatable {
    /// What a name of a token's subject begins with in records and metrics; no key's name does.
    public static let namePrefix = "jwt:"

    /// Where the issuer's keys are.
    public enum Source: Sendable, Hashable {
        /// In a file, by its path.
        case file(String)
        /// At a URL.
        case url(String)
    }

    /// The issuer, exactly as its tokens spell it.
    public var issuer = ""
    /// What its tokens must be for.
    public var audience = ""
    /// Where its keys are.
    public var keys = Source.file("")
    /// The claim that names the group; empty where tokens have none.
    public var groupClaim = ""

    /// No issuer.
    public init() {}

    /// As the configuration spells the source of the keys.
    var keysText: String {
        switch keys {
        case .file(let path): "file:\(path)"
        case .url(let url): url
        }
    }
}
