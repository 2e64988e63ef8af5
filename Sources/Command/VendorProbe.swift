import Config
import Cryptography
import Dialects
import JSON
import Primitives
import Transfers

/// Asks vendors for their list of models: a real call, which costs nothing, with the key that
/// calls would have.
enum VendorProbe {
    private static let listBytesMax = 16 << 20

    /// Asks each vendor that is in use, and prints what it said; false where calls would fail.
    static func all(_ configuration: Configuration) throws -> Bool {
        var areAllWell = true
        for vendor in configuration.vendors where isUsed(vendor, configuration) {
            let (isWell, text) = try probe(vendor)
            if !isWell { areAllWell = false }
            Output.text("# \(vendor.name): \(text)\n")
        }
        return areAllWell
    }

    /// Whether a chain names a vendor; without chains its dialect is enough.
    private static func isUsed(_ vendor: Vendor, _ configuration: Configuration) -> Bool {
        configuration.chains.isEmpty
            || configuration.chains.contains { chain in
                chain.targets.contains { $0.vendor == vendor.name }
            }
    }

    private static func probe(_ vendor: Vendor) throws -> (isWell: Bool, text: String) {
        let origin = Endpoint.Origin(scheme: vendor.scheme, host: vendor.host, port: vendor.port)
        do {
            let trust =
                vendor.scheme == "https" || vendor.proxy?.scheme == "https"
                ? try TrustStore(file: vendor.caFile) : nil
            let answer = try Probe.ask(
                origin, path: target(vendor), trust: trust, proxy: SnapshotMaker.proxy(vendor),
                fields: fields(vendor), bodyBytesMax: listBytesMax)
            return verdict(answer, hasKey: vendor.usesOwnSecret)
        } catch let error as TrustStore.LoadError {
            return (false, "not reached: \(error)")
        }
    }

    private static func api(_ vendor: Vendor) -> API {
        switch vendor.dialect {
        case .openai: .openai
        case .anthropic: .anthropic
        case .gemini: .gemini
        }
    }

    private static func target(_ vendor: Vendor) -> String {
        var target = ByteBuffer()
        let path = vendor.dialect == .gemini ? "/v1beta/models" : "/v1/models"
        OutboundTarget(
            api: api(vendor), vendor: vendor.dialect, basePath: vendor.basePath,
            baseQuery: vendor.baseQuery
        ).write(Array(path.utf8).span, dropping: .none, to: &target)
        return target.bytes.text
    }

    private static func fields(_ vendor: Vendor) -> [(name: String, value: String)] {
        var fields = vendor.headers.map { (name: $0.name, value: $0.value.reveal()) }
        if vendor.dialect == .anthropic {
            fields.append((name: "anthropic-version", value: "2023-06-01"))
        }
        if case .own(let secret) = vendor.credential {
            let field = api(vendor).credentialField(secret, vendor: vendor.dialect)
            fields.append((name: field.name, value: field.value))
        }
        return fields
    }

    /// What an answer means: any at all where no key is shown, else one that accepts the key.
    private static func verdict(
        _ answer: Probe.Answer?, hasKey: Bool
    ) -> (isWell: Bool, text: String) {
        let seen = Probe.describe(answer)
        guard let answer, answer.status > 0 else { return (false, "not reached: \(seen)") }
        let took = " in \(answer.took.nanoseconds / 1_000_000) ms"
        guard hasKey else { return (true, "reached: \(seen)\(took), without a key") }
        switch answer.status {
        case 401, 403: return (false, "reached, and the key is refused: \(seen)\(took)")
        case 200:
            guard let list = try? JSONValue(parsing: answer.body.span) else {
                return (
                    false, "reached, and what answers is no API: \(seen)\(took); is base_url right?"
                )
            }
            // Some vendors answer with the list itself.
            guard let models = (list["data"] ?? list["models"])?.elements ?? list.elements else {
                return (
                    true,
                    "reached, and it lists no models, so that the key may be right or not: "
                        + "\(seen)\(took)"
                )
            }
            return (true, "the key is accepted: \(models.count) models\(took)")
        case 500...: return (false, "reached, and it fails: \(seen)\(took)")
        default: return (true, "reached, and it lists no models: \(seen)\(took)")
        }
    }
}
