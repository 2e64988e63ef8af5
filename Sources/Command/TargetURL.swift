import Config
import Transfers

/// A URL of a command line, read as a vendor's `base_url` is.
struct TargetURL {
    let origin: Endpoint.Origin
    /// Its path without a slash at its end; empty for none.
    let path: String

    /// Reads a URL; `option` names it where something is wrong.
    init(_ url: String, option: String) throws(Composition.StartError) {
        // A vendor's table says what a base_url is, and what is wrong with one.
        let toml = "[vendors.target]\ndialect = \"openai\"\nbase_url = \"\(url)\"\n"
        let nowhere = SecretSource(environment: { _ in nil }, file: { _ in nil })
        do {
            let read = try Configuration.read(toml, file: option, secrets: nowhere)
            guard let vendor = read.configuration.vendor(named: "target") else {
                throw Composition.StartError(description: "\(url) is no URL")
            }
            origin = Endpoint.Origin(scheme: vendor.scheme, host: vendor.host, port: vendor.port)
            path = vendor.basePath
        } catch let error as ConfigurationError {
            throw Composition.StartError(
                description: "\(url): \(error.diagnostics.first?.message ?? "is no URL")")
        } catch {
            throw Composition.StartError(description: "\(error)")
        }
    }
}
