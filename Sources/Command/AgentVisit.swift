import Config
import Cryptography
import HTTP
import JSON
import Primitives
import Reactor
import Transfers

/// An agent's way to one gateway, and where a scripted vendor is behind it, a look at what that
/// was asked.
struct AgentVisit {
    /// A request as the vendor saw it.
    struct Seen {
        let method: String
        /// Path and query.
        let target: String
        let fields: [(name: String, value: String)]
        let bodyBytes: Int
        let bodyDigest: String

        /// The values of a field, each on its own.
        subscript(name: String) -> [String] {
            fields.filter { $0.name.lowercased() == name }.map(\.value)
        }

        /// Whether its body is these bytes.
        func hasBody(_ bytes: [UInt8]) -> Bool {
            var digest = Digest()
            digest.add(bytes.span)
            return bodyBytes == bytes.count && bodyDigest == digest.finish()
        }
    }

    let gateway: Endpoint.Origin
    let trust: TrustStore?
    /// The prefix of the chain that serves the agent.
    let prefix: String
    /// The scripted vendor; nil where a real one answers, which costs money.
    let vendor: Endpoint.Origin?
    let configuration: Configuration
    /// What the agent shows as its key.
    let key: Secret
    let model: String

    /// Sends a request to the gateway.
    func send(_ call: Enquiry) throws(SystemError) -> Reply {
        var call = call
        call.path = prefix + call.path
        return try Enquirer.send(call, to: gateway, trust: trust)
    }

    /// The requests that the scripted vendor has seen so far; nil where there is none.
    func seen() throws(SystemError) -> [Seen]? {
        guard let vendor else { return nil }
        let answer = try Enquirer.send(Enquiry(.get, "/stats"), to: vendor, trust: nil)
        guard let requests = answer.json?["request_log"]?.elements else { return nil }
        return requests.map { request in
            let fields = (request["headers"]?.elements ?? []).compactMap { field in
                field.elements.map { ($0.first?.text ?? "", $0.last?.text ?? "") }
            }
            return Seen(
                method: request["method"]?.text ?? "", target: request["target"]?.text ?? "",
                fields: fields.map { (name: $0.0, value: $0.1) },
                bodyBytes: request["body_bytes"]?.integer ?? -1,
                bodyDigest: request["body_sha256"]?.text ?? "")
        }
    }

    /// What a scripted vendor is to do, in the words that a prompt may hold; empty where a real one
    /// would read them.
    func script(_ words: String) -> String {
        vendor == nil ? "" : " [[mock \(words)]]"
    }
}
