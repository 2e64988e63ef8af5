import Config

extension ConfigurationChanges {
    /// What differs between two configurations, with a word where it waits for a restart.
    static func marked(from running: Configuration, to next: Configuration) -> [String] {
        var applied = running
        applied.adopt(next)
        // Certificates are read again; TLS as such is not begun or ended.
        if applied.server.tls.isOn == next.server.tls.isOn { applied.server.tls = next.server.tls }
        if applied.admin.tls.isOn == next.admin.tls.isOn { applied.admin.tls = next.admin.tls }
        let waiting = Set(list(from: applied, to: next))
        return list(from: running, to: next).map {
            waiting.contains($0) ? "\($0); waits for a restart" : $0
        }
    }
}
