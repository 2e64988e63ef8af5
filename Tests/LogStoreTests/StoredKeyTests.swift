import Access
import Support
import Testing

@testable import LogStore

/// Keys that commands change in the store.
@Suite("Keys in the store")
struct StoredKeyTests {
    private static func key(_ name: String) -> StoredKey {
        StoredKey(name: name, digests: ["aa"], group: "team", expires: 5, created: 1)
    }

    private struct Unfit: Error {}

    @Test("are made, changed and listed, and each change has the next number")
    func changes() throws {
        let folder = try ScratchFolder("keys")
        let store = try Store(folder: folder.path)
        let first = try store.changeKey("b") { known in
            if known != nil { throw Unfit() }
            return Self.key("b")
        }
        let second = try store.changeKey("a") { _ in Self.key("a") }
        #expect(first == 1 && second == 2)
        let rotated = try store.changeKey("b") { known in
            var next = try #require(known)
            next.digests = ["bb"] + next.digests
            next.revoked = 9
            return next
        }
        #expect(rotated == 3)
        let keys = try store.clientKeys()
        #expect(keys.map(\.name) == ["a", "b"] && keys[0] == Self.key("a"))
        #expect(keys[1].digests == ["bb", "aa"] && keys[1].revoked == 9)
        // A change that is none has no number.
        #expect(throws: Unfit.self) { _ = try store.changeKey("a") { _ in throw Unfit() } }
        #expect(try store.keyChanges().written == 3 && store.keyChanges().adopted == 0)
    }

    @Test("are confirmed as far as a gateway has adopted them, and make keys asked for")
    func confirming() throws {
        let folder = try ScratchFolder("keys")
        let store = try Store(folder: folder.path)
        #expect(try !store.remember(RequiredCredentials()).isAny)
        _ = try store.changeKey("a") { _ in Self.key("a") }
        try store.adoptedKeys(1)
        try store.adoptedKeys(0)
        #expect(try store.keyChanges().written == 1 && store.keyChanges().adopted == 1)
        #expect(try store.remember(RequiredCredentials()).isKey)
    }
}
