import Config
import Reactor

/// Where clients connect to if the configuration says nothing else: loopback, or what the
/// environment names.
///
/// In a container loopback is out of reach from outside. Its image names another address, so that a
/// configuration with the usual one works there, too. An address that a configuration names itself
/// stays as it is.
enum DefaultAddress {
    static let variable = "WEIR_LISTEN"

    /// Puts the environment's address in the stead of the usual one.
    ///
    /// `location` is the configuration's file.
    static func apply(
        to configuration: inout Configuration, location: String,
        environment: (String) -> String? = Environment.variable
    ) throws(ConfigurationError) {
        guard let address = environment(variable), !address.isEmpty,
            configuration.server.listen == Configuration.Server().listen
        else { return }
        guard SocketAddress(address) != nil else {
            throw fault(location, "\(variable) is \"\(address)\", which is no address")
        }
        configuration.server.listen = [address]
        // The file was read with loopback in mind.
        guard let exposure = configuration.exposure(on: configuration.server) else { return }
        throw fault(location, "\(exposure) (\(variable) is \"\(address)\")")
    }

    private static func fault(_ location: String, _ message: String) -> ConfigurationError {
        ConfigurationError(diagnostics: [
            Diagnostic(
                severity: .error, location: location, key: "server.listen", message: message)
        ])
    }

    /// The configuration of a start without a file.
    static func configuration() throws(ConfigurationError) -> Configuration {
        var configuration = Configuration()
        try apply(to: &configuration, location: "no file")
        return configuration
    }
}
