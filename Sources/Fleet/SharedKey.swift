/// A client's key that was made while gateways run, as they share it: its digests, never itself.
public struct SharedKey: Equatable, Sendable {
    /// Its name.
    public var name: String
    /// Its digests, in hexadecimal digits: one, or two while it is rotated.
    public var digests: [String]
    /// Its group; empty without one.
    public var group: String
    /// From when on it is refused, in microseconds since 1970; nil is never.
    public var expires: Int?
    /// When it was made, in microseconds since 1970.
    public var created: Int
    /// When it was revoked; nil where it was not.
    public var revoked: Int?

    /// A key of these parts.
    public init(
        name: String, digests: [String], group: String, expires: Int?, created: Int, revoked: Int?
    ) {
        self.name = name
        self.digests = digests
        self.group = group
        self.expires = expires
        self.created = created
        self.revoked = revoked
    }

    /// Whether the store's word for a key replaces what this gateway knows of it.
    ///
    /// A revoked key never comes back; of two keys that were given one name the later one stays.
    public func replaces(_ known: SharedKey?) -> Bool {
        guard let known, known != self else { return known == nil }
        guard created == known.created else { return created > known.created }
        return known.revoked == nil
    }

    /// What the store keeps of it.
    var text: String {
        "\(created) \(revoked ?? 0) \(expires ?? 0) \(digests.joined(separator: ",")) \(group)"
    }

    /// A key from what the store keeps; nil for anything that is none.
    init?(name: String, text: String) {
        let parts = text.split(separator: " ", maxSplits: 4, omittingEmptySubsequences: false)
        guard parts.count == 5, let created = Int(parts[0]), created > 0,
            let revoked = Int(parts[1]), revoked >= 0, let expires = Int(parts[2]), expires >= 0,
            Self.isName(name), parts[4].isEmpty || Self.isName(String(parts[4]))
        else { return nil }
        let digests = parts[3].split(separator: ",").map(String.init)
        guard 1...2 ~= digests.count, digests.allSatisfy(Self.isDigest) else { return nil }
        self.init(
            name: name, digests: digests, group: String(parts[4]),
            expires: expires == 0 ? nil : expires, created: created,
            revoked: revoked == 0 ? nil : revoked)
    }

    /// The names that the configuration allows.
    private static func isName(_ text: String) -> Bool {
        1...64 ~= text.utf8.count && !text.hasPrefix(" ") && !text.hasSuffix(" ")
            && text.utf8.allSatisfy { 0x20...0x7E ~= $0 && !"\"'\\".utf8.contains($0) }
    }

    private static func isDigest(_ text: String) -> Bool {
        text.utf8.count == 64
            && text.utf8.allSatisfy { 0x30...0x39 ~= $0 || 0x61...0x66 ~= $0 }
    }
}
