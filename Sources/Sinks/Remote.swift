public import Cryptography
public import Primitives
import Transfers

/// A server that takes records over HTTP.
public struct Remote {
    private let post: Post
    /// Where to.
    let url: String
    /// The operator's own fields.
    private let fields: [(name: String, value: Secret)]
    private let timeout: Interval

    /// Why a remote cannot be made.
    public struct Unusable: Error, CustomStringConvertible {
        /// The reason in words.
        public let description: String
    }

    /// A server at a URL, to be made on the thread that uses it.
    public init(
        url: String, fields: [(name: String, value: Secret)], timeout: Interval,
        trust: TrustStore?
    ) throws(Unusable) {
        guard let post = Post(trust: trust) else {
            throw Unusable(description: "libcurl cannot be set up: out of memory")
        }
        self.post = post
        self.url = url
        self.fields = fields
        self.timeout = timeout
    }

    /// Sends a body; `later` where there was no answer.
    func send(
        _ body: [UInt8], to url: String, _ own: [(name: String, value: String)],
        _ judge: (Post.Answer) -> Delivery
    ) -> Delivery {
        let all = own + fields.map { ($0.name, $0.value.reveal()) }
        do throws(Post.Failure) {
            return judge(try post.send(body, to: url, fields: all, timeout: timeout))
        } catch {
            return .later(reason: error.description, after: nil)
        }
    }
}

extension Post.Answer {
    /// The beginning of the body, for a person.
    var excerpt: String {
        let text = String(decoding: body.prefix(300), as: UTF8.self)
        return text.split(whereSeparator: \.isNewline).joined(separator: " ")
    }

    /// The answer as a reason to try again.
    var asLater: Delivery {
        .later(
            reason: "status \(status): \(excerpt)",
            // A date in a far year is a wait of centuries.
            after: retryAfterSeconds.map { .seconds(Int64(min($0, 86_400))) })
    }
}
