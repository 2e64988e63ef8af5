import Glibc
import JSON
import Support
import Testing

@Suite("TLS from clients")
struct TLSListenerTests {
    @Test("speaks 1.2 and 1.3 and HTTP/1.1, and refuses what is older or offers other protocols")
    func versions() throws {
        let front = try TLSFront(try TLSFront.localhost())
        for version in ["1.2", "1.3"] {
            let seen = try front.client("get", "version=\(version)")
            #expect(seen["status"]?.integer == 200, "\(seen)")
            #expect(seen["version"]?.text == "TLSv\(version)")
            #expect(seen["alpn"]?.text == nil && seen["subject"]?.text == "front")
        }
        let unnamed = try front.client("get", "name=none")
        #expect(unnamed["status"]?.integer == 200 && unnamed["subject"]?.text == "front")
        #expect(try front.client("get", "version=1.1")["error"] != nil)
        #expect(try front.client("get", "alpn=h2,http/1.1")["alpn"]?.text == "http/1.1")
        let refused = try front.client("get", "alpn=h2")["error"]?.text ?? ""
        #expect(refused.lowercased().contains("no application protocol"), "\(refused)")
        #expect(try front.gateway.metric("weir_tls_handshakes_total", where: "\"full\"") == 4)
        // A client's library may refuse 1.1 by itself.
        #expect(try front.gateway.metric("weir_tls_handshakes_total", where: "\"failed\"") >= 1)
    }

    @Test("takes a handshake byte by byte, and ends one that stops at head_timeout")
    func slow() throws {
        let front = try TLSFront(
            try TLSFront.localhost(), server: "workers = 1\nhead_timeout = \"1s\"")
        #expect(try front.client("stall")["bytes"]?.integer == 0)
        #expect(try front.gateway.metric("weir_tls_handshakes_total", where: "\"failed\"") == 1)
        let patient = try TLSFront(try TLSFront.localhost())
        #expect(try patient.client("drip")["status"]?.integer == 200)
    }

    @Test("resumes sessions at any worker")
    func resumption() throws {
        let front = try TLSFront(try TLSFront.localhost(), server: "workers = 4")
        let seen = try front.client("resume", "20", "version=1.3")
        #expect(seen["resumed"]?.integer == 19, "\(seen)")
        let older = try front.client("resume", "20", "version=1.2")
        #expect(older["resumed"]?.integer == 19, "\(older)")
    }

    @Test("says to a client of plain HTTP what is wanted; and TLS to a port for HTTP ends")
    func plain() throws {
        let front = try TLSFront(try TLSFront.localhost())
        let text = try front.client("plain")["text"]?.text ?? ""
        #expect(text.hasPrefix("HTTP/1.1 400 ") && text.contains("https://"), "\(text)")
        let http = try GatewayProcess(vendor: front.vendor.port, server: "workers = 1")
        let seen = try TLSFront.client("get", http.port, front.certificate.chain)
        #expect(seen["error"] != nil)
        #expect(try http.page("/healthz").status == 200)
    }

    @Test("shows the certificate of the name that is asked for")
    func names() throws {
        let exact = try TestCertificate(names: "DNS:a.weir.test", subject: "exact")
        let wild = try TestCertificate(names: "DNS:*.weir.test", subject: "wild")
        let first = try TLSFront.localhost()
        let list = [first, wild, exact].map {
            "{ certificate = \"\($0.chain)\", key = \"\($0.key)\" }"
        }
        let front = try TLSFront(first, tls: "certificate = [\(list.joined(separator: ", "))]")
        for (name, certificate, subject) in [
            ("a.weir.test", exact, "exact"), ("b.weir.test", wild, "wild"),
            ("localhost", first, "front"),
        ] {
            let seen = try TLSFront.client(
                "get", front.gateway.port, certificate.chain, ["name=\(name)"])
            #expect(seen["subject"]?.text == subject, "\(seen)")
        }
        let unknown = try TLSFront.client("get", front.gateway.port, first.chain)
        #expect(unknown["subject"]?.text == "front")
    }

    @Test("takes clients of its authorities alone; a ticket does not outlive a change of them")
    func clients() throws {
        let authority = try TestCertificate(names: "DNS:authority", subject: "authority")
        let other = try TestCertificate(names: "DNS:other", subject: "other")
        let good = try TestCertificate(of: authority, subject: "good client")
        let bad = try TestCertificate(of: other, subject: "bad client")
        let certificate = try TLSFront.localhost()
        let trusted = try certificate.folder.write(
            authority.chainText, to: "authorities.pem")
        let front = try TLSFront(
            certificate,
            tls: """
                certificate = "\(certificate.chain)"
                key = "\(certificate.key)"
                client_ca = "\(trusted)"
                """)
        func status(_ client: TestCertificate?) throws -> Int? {
            let options = client.map { ["cert=\($0.chain)", "key=\($0.key)"] } ?? []
            return try TLSFront.client("get", front.gateway.port, certificate.chain, options)[
                "status"]?.integer
        }
        #expect(try status(good) == 200)
        #expect(try status(bad) == nil)
        #expect(try status(nil) == nil)
        let old = try TestCertificate(of: authority, subject: "old client", days: -1)
        #expect(try status(old) == nil)
        let go = "\(certificate.folder.path)/go"
        let kept = try TLSFront.start(
            "keep", front.gateway.port, certificate.chain,
            ["cert=\(good.chain)", "key=\(good.key)", "go=\(go)"])
        try kept.awaitLine("kept")
        _ = try certificate.folder.write(other.chainText, to: "authorities.pem")
        front.gateway.process.signal(SIGHUP)
        try front.gateway.process.awaitLine("certificates read")
        #expect(try status(good) == nil)
        #expect(try status(bad) == 200)
        // A connection that was kept is as if it had been at rest for too long.
        _ = try certificate.folder.write("", to: "go")
        let seen = try TLSFront.answer(of: kept)
        #expect(seen["first"]?.text == "HTTP/1.1 200" && seen["second"]?.text == "", "\(seen)")
    }

    @Test("a client's certificate that ends lets no request in any more, on a kept connection too")
    func expiry() throws {
        let authority = try TestCertificate(names: "DNS:authority", subject: "authority")
        let certificate = try TLSFront.localhost()
        let front = try TLSFront(
            certificate, tls: TLSFront.pair(certificate) + "\nclient_ca = \"\(authority.chain)\"")
        // As long as a busy machine may take to the first answer.
        let end = time(nil) + 20
        let client = try TestCertificate(of: authority, subject: "short", endsAt: end)
        let go = "\(certificate.folder.path)/go"
        let kept = try TLSFront.start(
            "keep", front.gateway.port, certificate.chain,
            ["cert=\(client.chain)", "key=\(client.key)", "go=\(go)"])
        try kept.awaitLine("kept")
        #expect(Patience.await(everyMilliseconds: 200) { time(nil) > end })
        _ = try certificate.folder.write("", to: "go")
        let seen = try TLSFront.answer(of: kept)
        #expect(seen["first"]?.text == "HTTP/1.1 200" && seen["second"]?.text == "", "\(seen)")
    }

    @Test("counts a certificate as the key whose subject it has, and no other")
    func subjects() throws {
        let certificate = try TLSFront.localhost()
        let authority = try TestCertificate(names: "DNS:clients", subject: "clients")
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(
            """
            [vendors.openai]
            base_url = "http://127.0.0.1:\(vendor.port)/v1"
            [keys.ci]
            subject = "CN=ci"
            [keys.team]
            subject = 'CN=ci\\,OU=x'
            [keys.late]
            subject = "CN=late"
            expires = 2020-01-01
            """,
            server: """
                workers = 1
                [server.tls]
                certificate = "\(certificate.chain)"
                key = "\(certificate.key)"
                client_ca = "\(authority.chain)"
                """)
        // A name with a comma in it is another one than two names.
        for (subject, status) in [
            ("ci", 200), ("ci,OU=x", 200), ("CI", 401), ("ci/OU=x", 401), ("late", 401),
        ] {
            let client = try TestCertificate(of: authority, subject: subject)
            let seen = try TLSFront.client(
                "get", gateway.port, certificate.chain,
                ["cert=\(client.chain)", "key=\(client.key)"])
            #expect(seen["status"]?.integer == status, "\(subject): \(seen)")
        }
        gateway.process.signal(SIGTERM)
        #expect(try gateway.process.wait() == 0)
        let list = try ChildProcess(
            try Binaries.weir,
            ["logs", "list", "--path", gateway.recordPath, "--columns", "key,status"])
        #expect(try list.wait() == 0)
        let lines = list.text.split(separator: "\n").map { line in
            line.split(separator: " ").joined(separator: " ")
        }
        for line in ["ci 200", "team 200"] { #expect(lines.contains(line), "\(list.text)") }
        #expect(lines.filter { $0.hasSuffix("401") }.count == 3, "\(list.text)")
    }

    @Test("a client CA that was ever asked for closes the gateway when it is taken out")
    func takenOut() throws {
        let certificate = try TLSFront.localhost()
        let authority = try TestCertificate(names: "DNS:clients", subject: "clients")
        let client = try TestCertificate(of: authority, subject: "client")
        let vendor = try MockProcess()
        let folder = try TemporaryFolder()
        let pair = "certificate = \"\(certificate.chain)\"\nkey = \"\(certificate.key)\""
        func start(_ authorities: String) throws -> GatewayProcess {
            try GatewayProcess(
                vendor: vendor.port,
                server: "workers = 1\n[server.tls]\n\(pair)\n\(authorities)", folder: folder)
        }
        func status(_ gateway: GatewayProcess, _ options: [String] = []) throws -> Int? {
            try TLSFront.client("get", gateway.port, certificate.chain, options)["status"]?.integer
        }
        let first = try start("client_ca = \"\(authority.chain)\"")
        #expect(try status(first, ["cert=\(client.chain)", "key=\(client.key)"]) == 200)
        first.process.signal(SIGTERM)
        _ = try first.process.wait()
        let second = try start("")
        #expect(try status(second) == 401)
        #expect(try status(second, ["cert=\(client.chain)", "key=\(client.key)"]) == 401)
    }

    @Test("a certificate is replaced under clients; one that does not fit leaves the one before")
    func replaced() throws {
        let certificate = try TLSFront.localhost()
        let next = try TestCertificate(names: "DNS:localhost", subject: "next")
        let front = try TLSFront(certificate)
        let before = certificate.chainText
        func put(_ chain: String, _ key: String?, _ line: String) throws {
            _ = try certificate.folder.write(chain, to: "certificate.pem")
            if let key { _ = try certificate.folder.write(key, to: "key.pem") }
            front.gateway.process.signal(SIGHUP)
            try front.gateway.process.awaitLine(line)
        }
        // Half of a pair.
        try put(next.chainText, nil, "certificates refused, those before stay")
        let authority = try certificate.folder.write(before, to: "before.pem")
        let kept = try TLSFront.client("get", front.gateway.port, authority)
        #expect(kept["subject"]?.text == "front", "\(kept)")
        try put(next.chainText, next.keyText, "certificates read")
        let seen = try TLSFront.client("get", front.gateway.port, next.chain)
        #expect(seen["subject"]?.text == "next", "\(seen)")
        let ends = try front.gateway.metric("weir_certificate_expiry_timestamp_seconds")
        #expect(abs(ends - time(nil) - 2 * 86_400) < 3600)
    }

    @Test("an answer that breaks off does not end as a whole one does")
    func broken() throws {
        let vendor = try ByteVendor { connection, _ in
            _ = try connection.request()
            try connection.send(
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + "5\r\nhello\r\n")
        }
        defer { vendor.stop() }
        let certificate = try TLSFront.localhost()
        let gateway = try GatewayProcess(
            vendor: vendor.port,
            server: """
                workers = 1
                [server.tls]
                certificate = "\(certificate.chain)"
                key = "\(certificate.key)"
                """)
        let seen = try TLSFront.client("cut", gateway.port, certificate.chain)
        #expect(["cut", "reset"].contains(seen["end"]?.text), "\(seen)")
    }

    @Test("the listener for operators speaks it, too, and the probe of health asks it")
    func operators() throws {
        let certificate = try TLSFront.localhost()
        let folder = try TemporaryFolder()
        let vendor = try MockProcess()
        let config = { (port: Int) in
            """
            [server]
            listen = "127.0.0.1:0"
            [admin]
            listen = "127.0.0.1:\(port)"
            [admin.tls]
            certificate = "\(certificate.chain)"
            key = "\(certificate.key)"
            [log]
            path = "\(folder.path)/record"
            [vendors.openai]
            base_url = "http://127.0.0.1:\(vendor.port)/v1"
            """
        }
        let file = try folder.write(config(0), to: "config.toml")
        let gateway = try ChildProcess(try Binaries.weir, ["serve", "--config", file])
        let line = try gateway.awaitLine(" serving ")
        let port = line.split(separator: " ").first { $0.hasPrefix("admin=") }
            .flatMap { Int($0.split(separator: ":").last ?? "") }
        let seen = try TLSFront.client(
            "get", try #require(port), certificate.chain, ["path=/healthz"])
        #expect(seen["status"]?.integer == 200, "\(seen)")
        let other = try folder.write(config(try #require(port)), to: "probe.toml")
        let probe = try ChildProcess(
            try Binaries.weir, ["check", "--health", "--config", other])
        #expect(try probe.wait() == 0, "\(probe.text)")
        for (command, words) in [
            (["status"], "serving for"), (["reload"], "reloaded at"), (["top", "--once"], "limit"),
        ] {
            let asked = try ChildProcess(try Binaries.weir, command + ["--config", other])
            #expect(try asked.wait() == 0, "\(command): \(asked.text)")
            #expect(asked.text.contains(words), "\(command): \(asked.text)")
        }
        // The token goes to no other server.
        let stranger = try TestCertificate(names: "DNS:localhost,IP:127.0.0.1")
        let wrong = try folder.write(
            config(try #require(port)).replacing(
                "\"\(certificate.chain)\"", with: "\"\(stranger.chain)\""), to: "wrong.toml")
        let refused = try ChildProcess(try Binaries.weir, ["status", "--config", wrong])
        #expect(try refused.wait() == 1)
        #expect(refused.text.contains("no gateway answers"), "\(refused.text)")
        _ = try certificate.folder.write("", to: "key.pem")
        let check = try ChildProcess(try Binaries.weir, ["check", "--config", file])
        #expect(try check.wait() == 2)
        #expect(check.text.contains("[admin.tls] cannot load a key"), "\(check.text)")
    }
}
