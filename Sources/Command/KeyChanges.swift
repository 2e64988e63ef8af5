import Access
import Config
import LogStore
import Primitives

/// Changes of the keys in a store, as commands and the operators' interface make them.
struct KeyChanges {
    /// Why a key cannot be changed so.
    struct Refusal: Error {
        enum Kind {
            /// What is asked for is no change at all.
            case malformed
            /// There is no such key, or no such group.
            case unknown
            /// The key is not in a state for that change.
            case conflict
        }

        let kind: Kind
        let reason: String
    }

    /// A change that is written, and the key that it made, to be shown once.
    struct Change {
        let number: Int
        let key: String
    }

    let store: Store
    let configuration: Configuration

    private static var now: Int { Int(Identifier.wallClockMilliseconds()) * 1000 }

    /// Makes a key.
    func add(_ name: String, group: String, expires: String?) throws -> Change {
        try check("name", name)
        let end = try expires.map(Self.end)
        guard group.isEmpty || configuration.groups.contains(where: { $0.name == group }) else {
            throw Refusal(kind: .unknown, reason: "the configuration has no group \(group)")
        }
        guard !configuration.keys.contains(where: { $0.name == name }) else {
            throw Refusal(
                kind: .conflict, reason: "the configuration has a key \(name) already")
        }
        let key = NewKey()
        let number = try change(name) { known throws(Refusal) in
            guard known == nil else {
                throw Refusal(
                    kind: .conflict, reason: "there is, or was, a key \(name) already")
            }
            return StoredKey(
                name: name, digests: [key.digest], group: group,
                expires: end, created: Self.now)
        }
        return Change(number: number, key: key.text)
    }

    /// Gives a key another secret, beside the one before.
    func rotate(_ name: String) throws -> Change {
        let key = NewKey()
        let number = try change(name) { known throws(Refusal) in
            var next = try living(known, name)
            next.digests = Array(([key.digest] + next.digests).prefix(2))
            return next
        }
        return Change(number: number, key: key.text)
    }

    /// Takes the secret of before away.
    func finishRotation(of name: String) throws -> Int {
        try change(name) { known throws(Refusal) in
            var next = try living(known, name)
            next.digests = Array(next.digests.prefix(1))
            return next
        }
    }

    /// Refuses a key from now on.
    func revoke(_ name: String) throws -> Int {
        try change(name) { known throws(Refusal) in
            guard var next = known else {
                throw Refusal(
                    kind: .unknown,
                    reason: "the store has no key \(name); a key of the configuration is taken "
                        + "out of it, and the gateway reloaded")
            }
            next.revoked = next.revoked ?? Self.now
            return next
        }
    }

    /// When a new key ends: in the future, because a key that never works is a slip of the hand.
    private static func end(_ text: String) throws(Refusal) -> Int {
        guard let end = Timestamp.microseconds(text) else {
            throw Refusal(kind: .malformed, reason: "\(text) is no date such as 2027-06-30")
        }
        guard end > now else {
            throw Refusal(
                kind: .malformed, reason: "a key that ends at \(text) has ended already")
        }
        return end
    }

    private func living(_ known: StoredKey?, _ name: String) throws(Refusal) -> StoredKey {
        guard let known, known.revoked == nil else {
            throw Refusal(kind: .unknown, reason: "the store has no key \(name)")
        }
        return known
    }

    private func change(
        _ name: String, _ change: (StoredKey?) throws(Refusal) -> StoredKey
    ) throws -> Int {
        let number = try store.changeKey(name, change)
        store.markKeyChange()
        return number
    }

    private func check(_ what: String, _ text: String) throws(Refusal) {
        guard !NewKey.isName(text) else { return }
        throw Refusal(
            kind: .malformed,
            reason: "the \(what) is none; allowed: 1 to 64 letters, digits, \"-\" and \"_\"")
    }
}
