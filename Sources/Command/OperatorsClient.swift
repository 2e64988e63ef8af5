import ArgumentParser
import Config
import Cryptography
import JSON
import Primitives
import Reactor
import Transfers

/// Asks a running gateway on this machine by its operators' listener.
enum OperatorsClient {
    private static let bytesMax = 64 << 20

    /// Why there is no answer.
    struct Silence: Error, CustomStringConvertible {
        let description: String
    }

    /// The status of the gateway that serves a configuration; ends with status 1 where none does.
    static func status(_ configuration: Configuration) throws -> JSONValue {
        do {
            return try ask(configuration)
        } catch let silence as Silence {
            Output.error("weir: \(silence)")
            throw ExitCode(1)
        }
    }

    /// The status of the gateway that serves a configuration; throws ``Silence`` without an answer.
    static func ask(_ configuration: Configuration) throws -> JSONValue {
        let admin = configuration.admin
        guard let url = url(of: admin) else {
            throw fault("admin.listen is off, so there is no address to ask")
        }
        let client = try client(of: admin, bytesMax: bytesMax)
        let answer: Post.Answer
        do {
            answer = try client.get(
                "\(url)/api/status", fields: fields(of: admin), timeout: .seconds(30))
        } catch {
            throw fault("no gateway answers at \(admin.listen): \(error)\(hint(admin))")
        }
        guard answer.status == 200 else {
            let text = String(decoding: answer.body, as: UTF8.self)
            throw fault("no gateway answers at \(admin.listen): HTTP \(answer.status) \(text)")
        }
        do {
            return try JSONValue(parsing: answer.body.span)
        } catch {
            throw fault("what answers at \(admin.listen) is no gateway of this version")
        }
    }

    /// Where this machine reaches the operators' listener; nil where there is none.
    static func url(of admin: Configuration.Admin) -> String? {
        guard let address = SocketAddress(admin.listen) else { return nil }
        let scheme = admin.tls.isOn ? "https" : "http"
        return "\(scheme)://\(Probe.host(of: admin.listen)):\(address.port)"
    }

    /// What every question shows.
    static func fields(of admin: Configuration.Admin) -> [(name: String, value: String)] {
        admin.token.map { [(name: "Authorization", value: "Bearer \($0.reveal())")] } ?? []
    }

    /// A client of the operators' listener, which has to have the key of a certificate of
    /// `[admin.tls]`: the token goes to no other.
    static func client(of admin: Configuration.Admin, bytesMax: Int) throws -> Post {
        let pins = try admin.tls.certificates.map { try KeyPin.pin(ofFile: $0.chain) }
        guard let post = Post(trust: nil, pins: pins, bytesMax: bytesMax) else {
            throw Composition.StartError(description: "libcurl cannot be set up: out of memory")
        }
        return post
    }

    /// What else may be the reason.
    private static func hint(_ admin: Configuration.Admin) -> String {
        admin.tls.clientAuthorities.isEmpty
            ? "" : "; [admin.tls] asks for a client's certificate, and this command has none"
    }

    private static func fault(_ text: String) -> Silence { Silence(description: text) }
}
