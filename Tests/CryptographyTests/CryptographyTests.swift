import Cryptography
import Primitives
import Testing

@Suite("Digests")
struct DigestTests {
    @Test("are SHA-256, however the bytes come")
    func vectors() {
        var empty = Digest()
        #expect(
            empty.finish() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        )
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        var whole = Digest()
        whole.add(Array("abc".utf8).span)
        #expect(whole.finish() == expected)
        var pieces = Digest()
        for byte in "abc".utf8 { pieces.add([byte].span) }
        #expect(pieces.finish() == expected)
    }
}

@Suite("Trust stores")
struct TrustStoreTests {
    @Test("are loaded from the system's bundle")
    func system() throws {
        _ = try TrustStore(file: "")
    }

    @Test("say which file cannot be used", arguments: ["/nowhere/ca.pem", "/etc/hostname", "/"])
    func unusable(_ path: String) {
        do {
            _ = try TrustStore(file: path)
            Issue.record("\(path) was loaded")
        } catch {
            #expect("\(error)".contains(path))
        }
    }
}
