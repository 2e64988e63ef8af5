import Config
import Primitives

extension Configuration {
    /// What stands for the gateway's credentials in a rehearsal: no real one leaves its file.
    static let rehearsalSecret = "credential-of-the-gateway"

    /// The configuration with a scripted vendor on this machine in the stead of every vendor, a
    /// free port of loopback, and a record of its own.
    ///
    /// Chains, clocks, names of models and the vendors' paths stay. No key is asked for.
    func rehearsal(vendorPort: Int, record: String) -> Configuration {
        var copy = self
        copy.server.listen = ["127.0.0.1:0"]
        copy.server.tls = ListenerTLS()
        copy.server.proxyNetworks = []
        copy.server.workers = 1
        copy.admin.listen = ""
        copy.admin.tls = ListenerTLS()
        copy.log.path = record
        copy.sinks = []
        copy.access = AccessSettings()
        copy.keys = []
        copy.groups = []
        copy.vendors = vendors.map { $0.rehearsal(port: vendorPort) }
        return copy
    }
}

extension Vendor {
    fileprivate func rehearsal(port: Int) -> Vendor {
        var copy = self
        copy.scheme = "http"
        copy.host = "127.0.0.1"
        copy.port = port
        copy.proxy = nil
        copy.caFile = ""
        // What may be a secret is not needed: parameters of the query, and values of fields.
        copy.baseQuery = ""
        copy.headers = headers.filter { !$0.isCredential }
        if case .own = credential { copy.credential = .own(Secret(Configuration.rehearsalSecret)) }
        return copy
    }
}
