import Access
import Glibc
import Reactor
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

    @Test("that nothing was ever asked for is known without the database, until something is")
    func keyless() throws {
        let ways: [(Store) throws -> Void] = [
            { _ = try $0.changeKey("a") { _ in Self.key("a") } },
            { _ = try $0.remember(RequiredCredentials(isKey: true)) },
            { _ = try $0.remember(RequiredCredentials(isCertificate: true)) },
        ]
        for way in ways {
            let folder = try ScratchFolder("keyless")
            #expect(!Store.isKeyless(folder.path))
            let store = try Store(folder: folder.path)
            _ = try store.remember(RequiredCredentials())
            #expect(Store.isKeyless(folder.path))
            try way(store)
            #expect(!Store.isKeyless(folder.path))
            try store.close()
            try Store(folder: folder.path).close()
            #expect(!Store.isKeyless(folder.path))
        }
    }

    @Test(
        "a mark of no keys says nothing of another database, nor of one that lost its keys",
        arguments: ["copied", "replaced", "gone", "folder", "marked keys"])
    func othersMark(_ change: String) throws {
        let folder = try ScratchFolder("keyless")
        try Store(folder: folder.path).close()
        let path = Store.path(in: folder.path)
        #expect(Store.isKeyless(folder.path))
        var asked = folder.path
        let copy = try ScratchFolder("keyless-copy")
        switch change {
        case "copied":
            let names = SegmentFolder.names(in: folder.path).filter { $0.hasPrefix("weir.db") }
            for name in names {
                let copying = try ChildProcess(
                    "/bin/cp", ["-p", "\(folder.path)/\(name)", copy.path])
                #expect(try copying.wait() == 0)
            }
            #expect(names.contains { $0.hasPrefix("weir.db.keyless-") })
            asked = copy.path
        case "replaced":
            let other = "\(folder.path)/other"
            let copying = try ChildProcess("/bin/cp", ["-p", path, other])
            #expect(try copying.wait() == 0)
            #expect(unsafe rename(other, path) == 0)
        case "gone": unsafe unlink(path)
        case "folder":
            unsafe unlink(path)
            #expect(unsafe mkdir(path, 0o700) == 0)
        default: close(unsafe open("\(path).keys", O_WRONLY | O_CREAT, 0o600))
        }
        #expect(!Store.isKeyless(asked))
    }

    @Test("a demand that cannot be written down as one is not committed")
    func unmarked() throws {
        let folder = try ScratchFolder("keyless")
        let store = try Store(folder: folder.path)
        // What cannot be removed: a folder with a file in it.
        let stuck = "\(folder.path)/weir.db.keyless-0"
        #expect(unsafe mkdir(stuck, 0o700) == 0)
        close(unsafe open("\(stuck)/file", O_WRONLY | O_CREAT, 0o600))
        #expect(throws: SystemError.self) { try store.changeKey("a") { _ in Self.key("a") } }
        #expect(throws: SystemError.self) {
            try store.remember(RequiredCredentials(isCertificate: true))
        }
        #expect(try store.clientKeys().isEmpty)
        #expect(try !store.remember(RequiredCredentials()).isAny)
    }

    @Test("a database that a start left half made is made whole, and one that is damaged stays")
    func reopened() throws {
        let folder = try ScratchFolder("keyless")
        let path = Store.path(in: folder.path)
        close(unsafe open(path, O_WRONLY | O_CREAT, 0o600))
        #expect(throws: (any Error).self) { try Store(changing: folder.path) }
        let store = try Store.reopen(folder.path)
        #expect(Store.isKeyless(folder.path))
        _ = try store.changeKey("a") { _ in Self.key("a") }
        #expect(!Store.isKeyless(folder.path))
        try store.close()
        for ending in ["-wal", "-shm"] { unsafe unlink(path + ending) }
        #expect(unsafe truncate(path, 5000) == 0)
        #expect(throws: (any Error).self) { try Store.reopen(folder.path) }
        #expect(!Store.isKeyless(folder.path))
    }
}
