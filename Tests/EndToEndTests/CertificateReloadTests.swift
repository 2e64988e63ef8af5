import Glibc
import JSON
import Support
import Testing

@Suite("Certificates and weir reload")
struct CertificateReloadTests {
    private static func run(_ arguments: [String]) throws -> (status: Int32, text: String) {
        let process = try ChildProcess(try Binaries.weir, arguments)
        let status = try process.wait()
        return (status, process.text)
    }

    /// The key with a passphrase.
    private static func locked(_ key: String, _ folder: TemporaryFolder) throws -> String {
        let plain = try folder.write(key, to: "plain.pem")
        let path = "\(folder.path)/locked.pem"
        let process = try ChildProcess(
            "/usr/bin/openssl",
            ["pkey", "-in", plain, "-aes256", "-passout", "pass:x", "-out", path])
        try #require(try process.wait() == 0, "\(process.text)")
        return Repository.text(at: path)
    }

    @Test("say which pair is in force; one that does not fit, is gone or is locked changes nothing")
    func pairs() throws {
        let certificate = try TLSFront.localhost()
        let front = try TLSFront(certificate)
        let folder = try TemporaryFolder()
        let way = try folder.write(
            "[admin]\nlisten = \"127.0.0.1:\(front.gateway.adminPort)\"\n", to: "way.toml")
        let path = front.gateway.configurationPath
        let others = try ["second", "third", "fourth"].map {
            try TestCertificate(names: "DNS:localhost", subject: $0)
        }
        let first = (chain: certificate.chainText, key: certificate.keyText)
        func put(_ chain: String, _ key: String?) throws {
            _ = try certificate.folder.write(chain, to: "certificate.pem")
            if let key {
                _ = try certificate.folder.write(key, to: "key.pem")
            } else {
                try #require(unsafe unlink(certificate.key) == 0)
            }
        }
        func expectServed(_ subject: String, _ chain: String) throws {
            let authority = try folder.write(chain, to: "authority.pem")
            let seen = try TLSFront.client("get", front.gateway.port, authority)
            #expect(seen["subject"]?.text == subject, "\(seen)")
        }
        let same = try Self.run(["reload", "--config", way])
        #expect(same.status == 0 && same.text.contains("nothing has changed"), "\(same.text)")
        let locked = try Self.locked(first.key, folder)
        for (chain, key, words) in [
            (others[0].chainText, first.key, "mismatch"), (first.chain, nil, "No such file"),
            (first.chain, locked, "cannot load a key without a passphrase"),
            ("", first.key, "[server.tls]"),
        ] {
            try put(chain, key)
            let refused = try Self.run(["reload", "--config", way])
            #expect(refused.status == 1 && refused.text.contains(words), "\(refused.text)")
            #expect(refused.text.contains("what was read before stays in force"))
            #expect(try front.gateway.metric("weir_config_last_reload_successful") == 0)
            // The same words before a start.
            let check = try Self.run(["check", "--config", path])
            #expect(check.status == 2 && check.text.contains(words), "\(check.text)")
            try expectServed("front", first.chain)
        }
        // The gateway looks at its files by itself, too, and may be the first to find a pair: then
        // the reload has nothing to say of it, and the next pair is tried.
        let served = try others.first { other in
            try put(other.chainText, other.keyText)
            let changed = try Self.run(["reload", "--config", way])
            #expect(changed.status == 0, "\(changed.text)")
            return changed.text.contains("server.tls: certificate ")
                && changed.text.contains(", now ")
        }
        let last = try #require(served)
        let subject = ["second", "third", "fourth"][others.firstIndex { $0 === last } ?? 0]
        try expectServed(subject, last.chainText)
        #expect(try front.gateway.metric("weir_config_last_reload_successful") == 1)
    }
}
