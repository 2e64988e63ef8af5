public import Dialects
import HTTP
public import Primitives

/// A vendor: its address, its dialect, and the credential that it gets.
public struct Vendor: Sendable, Equatable {
    /// The credential that a vendor gets.
    public enum Credential: Sendable, Equatable {
        /// The caller's own, passed on as it came.
        case client
        /// Ours, instead of the one that the caller sent.
        case own(Secret)
        /// No credential: the one that the caller sent is taken out.
        case none
    }

    /// How a transfer goes on when its client has gone.
    public enum DisconnectPolicy: String, Sendable, CaseIterable {
        case cancel, `continue`
    }

    /// Whether a stream without its terminal marker counts as whole.
    public enum TerminalPolicy: String, Sendable, CaseIterable {
        case strict, lenient
    }

    /// Whether a vendor of OpenAI's dialect is asked for the usage of its streams.
    public enum UsagePolicy: String, Sendable, CaseIterable {
        /// Where the client asks for it.
        case client
        /// Always; a usage that the client did not ask for is taken out of the stream again.
        case inject
    }

    /// The two of OpenAI's APIs that ask a model.
    public enum OpenAIAPI: String, Sendable, CaseIterable {
        /// Chat completions.
        case chat
        case responses
    }

    /// A field that is set on every request.
    public struct Header: Sendable, Equatable {
        /// Its name.
        public let name: String
        /// Its value, which may be a secret.
        public let value: Secret
        /// Whether the value is a credential of the gateway's: it comes from the environment or a
        /// file, or its name or its look say so.
        public let isCredential: Bool
    }

    /// The name in the file, in metrics and in records.
    public var name: String
    /// The dialect that it speaks.
    public var dialect: Dialect
    /// Scheme, host and port of `base_url`.
    public var scheme: String
    /// The host, an IPv6 address in brackets.
    public var host: String
    /// The port.
    public var port: Int
    /// The path of `base_url` without a slash at its end; empty for none.
    public var basePath: String
    /// The query of `base_url`, which every request gets; empty for none.
    public var baseQuery = ""
    /// Whose credential is sent.
    public var credential: Credential = .client
    /// Fields set on every request, in the order of the file.
    public var headers: [Header] = []
    /// What happens when the client goes away.
    public var onClientDisconnect = DisconnectPolicy.cancel
    /// A PEM bundle of authorities; empty is the system's.
    public var caFile = ""
    /// Clocks of its own; nil is the chain's.
    public var connect: Interval?
    /// Until the first content of the response: the last target of a chain is held to it, too.
    public var firstContent: Interval?
    /// Between bytes of the response.
    public var idle: Interval?
    /// What a stream without its terminal marker is.
    public var terminal = TerminalPolicy.lenient
    /// Whether the client or the gateway asks for the usage of a stream.
    public var includeUsage = UsagePolicy.client

    /// Whether it may serve requests of other dialects, translated.
    public var translates = true
    /// Whether what is known of its models changes requests of its own dialect, too.
    public var appliesQuirks = false
    /// Which of OpenAI's two APIs it has, if it speaks that dialect; the other is translated.
    public var apis = OpenAIAPI.allCases
    /// Whether addresses of its own in answers become addresses of the gateway's.
    public var rewritesURLs = false

    /// The proxy by way of which it is reached; nil where it is called itself.
    public var proxy: VendorProxy?
    /// Patterns of names, in any case: fields of a request that it does not get.
    public var dropHeaders: [String] = []

    /// `base_url` as it is used, what may be a key in its query taken out.
    public var baseURL: String {
        let isDefault = port == (scheme == "https" ? 443 : 80)
        var query = ByteBuffer()
        if !baseQuery.isEmpty { Redaction.write("?\(baseQuery)".utf8.span, to: &query) }
        let path = "\(basePath)\(query.bytes.text)"
        return "\(scheme)://\(host)\(isDefault ? "" : ":\(port)")\(path)"
    }

    /// Whether it is one of the three vendors that are there without a file, by name and dialect:
    /// their keys are known by their shape.
    public var isBuiltIn: Bool {
        Self.defaults.contains { $0.name == name && $0.dialect == dialect }
    }

    /// The gateway's own secrets that go with requests to it, as far as its proxy.
    public var ownSecrets: [Secret] { spentSecrets + (proxy?.secrets ?? []) }

    /// Those that the vendor itself is shown.
    private var spentSecrets: [Secret] {
        var secrets = headers.filter(\.isCredential).map(\.value)
        if case .own(let secret) = credential { secrets.append(secret) }
        return secrets + Self.secretParameters(of: baseQuery)
    }

    /// Whether a request to it is made with anything of the gateway's own that others must not
    /// spend.
    public var usesOwnSecret: Bool { !spentSecrets.isEmpty }

    private static func secretParameters(of query: String) -> [Secret] {
        query.split(separator: "&").compactMap { pair in
            let parts = pair.split(separator: "=", maxSplits: 1)
            guard parts.count == 2,
                CredentialWords.isCredential(parameter: Array(parts[0].utf8).span)
            else { return nil }
            return Secret(String(parts[1]))
        }
    }

    init(name: String, dialect: Dialect, host: String, basePath: String) {
        self.name = name
        self.dialect = dialect
        scheme = "https"
        self.host = host
        port = 443
        self.basePath = basePath
    }

    static let defaults = [
        Vendor(name: "openai", dialect: .openai, host: "api.openai.com", basePath: "/v1"),
        Vendor(name: "anthropic", dialect: .anthropic, host: "api.anthropic.com", basePath: ""),
        Vendor(
            name: "gemini", dialect: .gemini, host: "generativelanguage.googleapis.com",
            basePath: ""
        ),
    ]
}
