import Cryptography
import Support
import Testing

@Suite("The pin of a certificate's key")
struct KeyPinTests {
    @Test("is what OpenSSL's program says of it")
    func pin() throws {
        let certificate = try TestCertificate(names: "DNS:localhost")
        let other = try TestCertificate(names: "DNS:localhost")
        let script =
            "openssl x509 -in \(certificate.chain) -noout -pubkey "
            + "| openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary | base64"
        let process = try ChildProcess("/bin/sh", ["-c", script])
        #expect(try process.wait() == 0)
        let pin = try KeyPin.pin(ofFile: certificate.chain)
        #expect(pin == "sha256//" + process.text.split(separator: "\n")[0])
        #expect(try KeyPin.pin(ofFile: other.chain) != pin)
    }

    @Test("is none of what is no certificate", arguments: ["/nowhere", "/etc/hostname", "/"])
    func none(_ path: String) {
        #expect(throws: TLSContext.LoadError.self) { try KeyPin.pin(ofFile: path) }
    }
}
