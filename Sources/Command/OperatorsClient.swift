import ArgumentParser
import Config
import JSON
import Primitives
import Reactor
import Transfers

/// Asks a running gateway on this machine by its operators' listener.
enum OperatorsClient {
    private static let bytesMax = 64 << 20

    /// The status of the gateway that serves a configuration; ends with status 1 where none does.
    static func status(_ configuration: Configuration) throws -> JSONValue {
        let admin = configuration.admin
        guard !admin.listen.isEmpty, let address = SocketAddress(admin.listen) else {
            throw fault("admin.listen is off, so there is no address to ask")
        }
        guard !admin.tls.isOn else {
            throw fault(
                "[admin.tls] is on, and this command asks without TLS; "
                    + "GET /api/status is what it would read")
        }
        let origin = Endpoint.Origin(
            scheme: "http", host: Probe.host(of: admin.listen), port: address.port)
        let token = admin.token.map { [(name: "authorization", value: "Bearer \($0.reveal())")] }
        let answer = try Probe.ask(
            origin, path: "/api/status", trust: nil, fields: token ?? [], bodyBytesMax: bytesMax)
        guard let answer, answer.status == 200 else {
            let text = String(decoding: answer?.body ?? [], as: UTF8.self)
            throw fault(
                "no gateway answers at \(admin.listen): \(Probe.describe(answer)) \(text)")
        }
        do {
            return try JSONValue(parsing: answer.body.span)
        } catch {
            throw fault("what answers at \(admin.listen) is no gateway of this version")
        }
    }

    private static func fault(_ text: String) -> ExitCode {
        Output.error("weir: \(text)")
        return ExitCode(1)
    }
}
