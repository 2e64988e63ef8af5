import Primitives

/// A certificate made for a test, in a folder of its own, by OpenSSL's program.
package final class TestCertificate {
    package let folder: ScratchFolder
    package var chain: String { "\(folder.path)/certificate.pem" }
    package var key: String { "\(folder.path)/key.pem" }

    /// What the files hold.
    package var chainText: String { Repository.text(at: chain) }
    package var keyText: String { Repository.text(at: key) }

    /// A certificate for some names, `DNS:localhost,IP:127.0.0.1` say, that is its own authority.
    package init(names: String, subject: String = "weir test", days: Int = 2) throws {
        folder = try ScratchFolder("weir-certificate")
        try Self.run(
            ["req", "-x509"] + Self.newKey(key) + [
                "-days", "\(days)", "-subj", "/CN=\(subject)", "-addext",
                "subjectAltName=\(names)", "-out", chain,
            ])
    }

    /// A certificate of its own authority that is not valid before the year 2099.
    package init(laterFor subject: String) throws {
        folder = try ScratchFolder("weir-certificate")
        let request = "\(folder.path)/request.pem"
        let settings = try Self.settings(in: folder)
        try Self.run(
            ["req", "-new"] + Self.newKey(key) + ["-subj", "/CN=\(subject)", "-out", request])
        try Self.run([
            "ca", "-batch", "-selfsign", "-config", settings, "-keyfile", key, "-in", request,
            "-startdate", "20990101000000Z", "-enddate", "21000101000000Z", "-notext", "-out",
            chain,
        ])
    }

    /// A certificate that another one vouches for; with fewer than no days it has expired.
    package init(of authority: TestCertificate, subject: String, days: Int = 2) throws {
        folder = try ScratchFolder("weir-certificate")
        let request = "\(folder.path)/request.pem"
        try Self.run(
            ["req", "-new"] + Self.newKey(key) + ["-subj", "/CN=\(subject)", "-out", request])
        try Self.run([
            "x509", "-req", "-in", request, "-CA", authority.chain, "-CAkey", authority.key,
            "-CAcreateserial", "-days", "\(days)", "-out", chain,
        ])
    }

    /// A certificate that another one vouches for until an instant, in seconds since 1970.
    package init(of authority: TestCertificate, subject: String, endsAt end: Int) throws {
        folder = try ScratchFolder("weir-certificate")
        let request = "\(folder.path)/request.pem"
        let settings = try Self.settings(in: folder)
        try Self.run(
            ["req", "-new"] + Self.newKey(key) + ["-subj", "/CN=\(subject)", "-out", request])
        let date = Timestamp.text(microseconds: end * 1_000_000).prefix(19).filter(\.isNumber) + "Z"
        try Self.run([
            "ca", "-batch", "-config", settings, "-cert", authority.chain, "-keyfile",
            authority.key, "-in", request, "-startdate", "20200101000000Z", "-enddate", date,
            "-notext", "-out", chain,
        ])
    }

    /// The settings of `openssl ca`, which takes dates.
    private static func settings(in folder: ScratchFolder) throws -> String {
        let path = folder.path
        _ = try folder.write("", to: "index")
        _ = try folder.write("01\n", to: "serial")
        return try folder.write(
            "[ca]\ndefault_ca = d\n[d]\ndatabase = \(path)/index\nserial = \(path)/serial\n"
                + "new_certs_dir = \(path)\ndefault_md = sha256\npolicy = p\n[p]\n"
                + "commonName = supplied\n", to: "settings")
    }

    private static func newKey(_ path: String) -> [String] {
        [
            "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", path,
        ]
    }

    private static func run(_ arguments: [String]) throws {
        let process = try ChildProcess("/usr/bin/openssl", arguments)
        guard try process.wait() == 0 else { throw RawConnection.Failure.broken(process.text) }
    }
}
