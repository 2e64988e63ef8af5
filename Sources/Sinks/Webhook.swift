import Cryptography
public import Primitives
import Transfers

/// A server that takes alerts over HTTP, one at a time.
public struct Webhook {
    private let post: Post
    private let url: Secret
    private let timeout = Interval.seconds(10)

    /// A webhook at a URL, to be made on the thread that uses it; nil where it cannot be.
    public init?(_ url: Secret) {
        let trust: TrustStore?
        do throws(TrustStore.LoadError) {
            trust = url.reveal().hasPrefix("https://") ? try TrustStore(file: "") : nil
        } catch {
            return nil
        }
        guard let post = Post(trust: trust) else { return nil }
        self.post = post
        self.url = url
    }

    /// Sends a text of JSON; returns why it was not taken.
    public func send(_ text: String) -> String? {
        do throws(Post.Failure) {
            let answer = try post.send(
                Array(text.utf8), to: url.reveal(),
                fields: [("content-type", "application/json")], timeout: timeout)
            return 200..<300 ~= answer.status ? nil : "status \(answer.status): \(answer.excerpt)"
        } catch {
            return error.description
        }
    }
}
