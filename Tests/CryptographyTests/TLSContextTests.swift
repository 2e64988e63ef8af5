import Cryptography
import Glibc
import Primitives
import Support
import Testing

@Suite("TLS: certificates")
struct TLSContextTests {
    private static func load(_ chain: String, _ key: String, clients: String = "") throws {
        _ = try TLSContext(
            TLSSettings(
                certificates: [.init(chain: chain, key: key)], clientAuthorities: clients),
            tickets: TicketKeys())
    }

    @Test("that cannot be used are refused, with the file's name and OpenSSL's reason")
    func faults() throws {
        let one = try TestCertificate(names: "DNS:localhost")
        let two = try TestCertificate(names: "DNS:localhost")
        let broken = try one.folder.write("-----BEGIN CERTIFICATE-----\nAAAA\n", to: "broken.pem")
        let empty = try one.folder.write("", to: "empty.pem")
        try Self.load(one.chain, one.key, clients: two.chain)
        for (chain, key, clients, words) in [
            ("\(one.folder.path)/none.pem", one.key, "", "none.pem: No such file"),
            (broken, one.key, "", "broken.pem: "), (empty, one.key, "", "empty.pem: no start line"),
            (one.chain, two.key, "", "key"), (one.chain, empty, "", "empty.pem: "),
            (one.chain, one.key, empty, "authorities from \(empty)"),
            (one.chain, one.key, broken, "authorities from \(broken)"),
        ] {
            let error = #expect(throws: TLSContext.LoadError.self) {
                try Self.load(chain, key, clients: clients)
            }
            #expect(error?.description.contains(words) ?? false, "\(error?.description ?? "")")
        }
        #expect(throws: TLSContext.LoadError.self) {
            _ = try TLSContext(TLSSettings(certificates: []), tickets: TicketKeys())
        }
    }

    @Test("with a passphrase, or that are no files, are refused without a question or a wait")
    func unattended() throws {
        let one = try TestCertificate(names: "DNS:localhost")
        let head = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,000102030405060708090A0B0C0D0E0F"
        func secret(_ kind: String, _ name: String) throws -> String {
            let text = "-----BEGIN \(kind)-----\n\(head)\n\nAAAA\n-----END \(kind)-----\n"
            return try one.folder.write(text, to: name)
        }
        let key = try secret("RSA PRIVATE KEY", "secret-key.pem")
        let chain = try secret("CERTIFICATE", "secret.pem")
        let pipe = "\(one.folder.path)/pipe"
        let made = unsafe mkfifo(pipe, 0o600)
        try #require(made == 0)
        for (chain, key, clients, words) in [
            (one.chain, key, "", "a key without a passphrase"),
            (chain, one.key, "", "secret.pem: bad password read"),
            (pipe, one.key, "", "pipe is no regular file"),
            (one.chain, pipe, "", "pipe is no regular file"),
            (one.chain, one.key, pipe, "pipe is no regular file"),
        ] {
            let error = #expect(throws: TLSContext.LoadError.self) {
                try Self.load(chain, key, clients: clients)
            }
            #expect(error?.description.contains(words) == true, "\(error.debugDescription)")
        }
        for path in [chain, pipe] {
            #expect(throws: TLSContext.LoadError.self) { try KeyPin.pin(ofFile: path) }
            #expect(throws: TrustStore.LoadError.self) { try TrustStore(file: path) }
        }
    }

    @Test("that have ended, or have not begun, are refused")
    func validity() throws {
        let authority = try TestCertificate(names: "DNS:localhost")
        for (certificate, words) in [
            (try TestCertificate(of: authority, subject: "old", days: -1), "has expired"),
            (try TestCertificate(laterFor: "new"), "is not valid yet"),
        ] {
            let error = #expect(throws: TLSContext.LoadError.self) {
                try Self.load(certificate.chain, certificate.key)
            }
            #expect(error?.description.contains(words) == true, "\(error.debugDescription)")
        }
    }

    @Test("authorities of clients that have all ended are refused")
    func endedAuthorities() throws {
        let one = try TestCertificate(names: "DNS:localhost")
        let old = try TestCertificate(of: one, subject: "old", days: -1)
        let error = #expect(throws: TLSContext.LoadError.self) {
            try Self.load(one.chain, one.key, clients: old.chain)
        }
        #expect(error?.description.contains("has expired") == true, "\(error.debugDescription)")
        let both = try one.folder.write(old.chainText + one.chainText, to: "both.pem")
        _ = try Self.load(one.chain, one.key, clients: both)
    }

    @Test("end when the first of them does")
    func expiry() throws {
        let long = try TestCertificate(names: "DNS:localhost", days: 30)
        let short = try TestCertificate(names: "DNS:localhost", days: 3)
        let both = try TLSContext(
            TLSSettings(
                certificates: [long, short].map { .init(chain: $0.chain, key: $0.key) }),
            tickets: TicketKeys())
        let alone = try TLSContext(
            TLSSettings(certificates: [.init(chain: short.chain, key: short.key)]),
            tickets: TicketKeys())
        #expect(both.expiresAt == alone.expiresAt)
    }
}
