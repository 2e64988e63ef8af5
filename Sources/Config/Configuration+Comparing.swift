extension Configuration {
    /// Takes over from another reading what a reload applies.
    public mutating func adopt(_ next: Configuration) {
        vendors = next.vendors
        chains = next.chains
        models = next.models
        access = next.access
        keys = next.keys
        groups = next.groups
        prices = next.prices
        // Who may see the page is not begun or ended while others may reach the listener.
        if admin.token != nil, let token = next.admin.token { admin.token = token }
        server.tunnels = next.server.tunnels
        server.models = next.server.models
        server.usesBuiltinVendors = next.server.usesBuiltinVendors
        server.isWatched = next.server.isWatched
        server.drainDelay = next.server.drainDelay
    }

    /// The sections that say something else than in another configuration, vendors and chains left
    /// aside, as they are written in the file.
    public func sectionsThatDiffer(from other: Configuration) -> [String] {
        var names: [String] = []
        // Certificates are read again; TLS as such is not begun or ended.
        var (mine, theirs) = (server, other.server)
        if mine.tls.isOn == theirs.tls.isOn { theirs.tls = mine.tls }
        // A reload applies these.
        theirs.tunnels = mine.tunnels
        theirs.models = mine.models
        theirs.usesBuiltinVendors = mine.usesBuiltinVendors
        theirs.isWatched = mine.isWatched
        theirs.drainDelay = mine.drainDelay
        if mine != theirs { names.append("[server]") }
        var (mineAdmin, theirAdmin) = (admin, other.admin)
        if mineAdmin.tls.isOn == theirAdmin.tls.isOn { theirAdmin.tls = mineAdmin.tls }
        if mineAdmin.token != nil, theirAdmin.token != nil { theirAdmin.token = mineAdmin.token }
        if mineAdmin != theirAdmin { names.append("[admin]") }
        if alerts != other.alerts { names.append("[alerts]") }
        if log != other.log { names.append("[log]") }
        if limits != other.limits { names.append("[limits]") }
        for name in Set(sinks.map(\.name)).union(other.sinks.map(\.name)).sorted() {
            let (mine, theirs) = (
                sinks.first { $0.name == name }, other.sinks.first { $0.name == name }
            )
            if mine != theirs { names.append("[sinks.\(name)]") }
        }
        return names
    }
}
