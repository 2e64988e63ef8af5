import Glibc
import Support
import Testing

/// What commands say of a record's damaged files, and what is left of texts in them.
@Suite("Commands on a damaged record")
struct DamagedRecordTests {
    private static func call(_ session: String, _ text: String) -> String {
        RecordTests.request(
            "/v1/chat/completions",
            #"{"model":"m","session_id":"\#(session)","x":"\#(text)"}"#)
    }

    private static func files(in folder: String, holding text: String) throws -> [String] {
        let grep = try ChildProcess("/bin/grep", ["-r", "-l", "-a", "-F", "--", text, folder])
        _ = try grep.wait()
        return grep.text.split(separator: "\n").map(String.init)
    }

    private static func change(_ path: String, at offset: Int, to byte: UInt8) throws {
        let file = unsafe open(path, O_WRONLY)
        defer { close(file) }
        guard file >= 0, unsafe pwrite(file, [byte], 1, off_t(offset)) == 1 else {
            throw RawConnection.Failure.broken("cannot write \(path)")
        }
    }

    private static func journals(_ folder: String) throws -> [String] {
        let list = try ChildProcess("/bin/ls", [folder])
        _ = try list.wait()
        return list.text.split(separator: "\n").filter { $0.hasSuffix(".journal") }
            .map { "\(folder)/\($0)" }
    }

    @Test("forget names journals that were put aside, and removes them where that is asked for")
    func damagedJournals() throws {
        let vendor = try MockProcess()
        let folder = try TemporaryFolder()
        let first = try GatewayProcess(vendor: vendor.port, folder: folder)
        let client = try RawConnection(port: first.port)
        #expect(try client.exchange(Self.call("s", "canary-1")).isWhole)
        try first.await("the first") { try first.metric("weir_records_stored_total") == 1 }
        first.process.signal(SIGKILL)
        _ = try first.process.wait()
        for path in try Self.journals(first.recordPath) {
            // Its text, and then no head that it could be read by: a mark and a size are wrong.
            let file = unsafe try #require(fopen(path, "r+e"))
            unsafe fseek(file, 128 << 10, SEEK_SET)
            unsafe fputs("canary-2", file)
            unsafe fclose(file)
            try Self.change(path, at: 0, to: 0)
            try Self.change(path, at: 20, to: 7)
        }
        let gateway = try GatewayProcess(vendor: vendor.port, folder: folder)
        try gateway.await("the journals to be put aside") {
            try Self.journals(gateway.recordPath).allSatisfy {
                try !Self.files(in: $0, holding: "canary-2").contains($0)
            }
        }
        let forget = try RecordTests.logs(gateway, ["forget", "--session", "s"])
        #expect(forget.status == 1)
        #expect(try Self.files(in: gateway.recordPath, holding: "canary-1").isEmpty)
        #expect(!(try Self.files(in: gateway.recordPath, holding: "canary-2").isEmpty))
        let segment = "\(gateway.recordPath)/segments/00000009.seg.damaged"
        let file = unsafe try #require(fopen(segment, "w"))
        unsafe fputs("canary-3", file)
        unsafe fclose(file)
        let again = try RecordTests.logs(
            gateway, ["forget", "--session", "s", "--remove-damaged"])
        #expect(again.status == 0 && again.text.contains(".journal.damaged"))
        #expect(again.text.contains("00000009.seg.damaged"))
        #expect(try Self.files(in: gateway.recordPath, holding: "canary").isEmpty)
        #expect(try RecordTests.logs(gateway, ["forget", "--session", "s"]).status == 0)
    }

    @Test("verify finds what is damaged in a segment's parity, and repairs it on request")
    func parity() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(vendor: vendor.port)
        for number in 0..<20 {
            let client = try RawConnection(port: gateway.port)
            #expect(try client.exchange(Self.call("s", "text \(number)")).isWhole)
        }
        try gateway.await("all") { try gateway.metric("weir_records_stored_total") == 20 }
        #expect(try RecordTests.logs(gateway, ["seal"]).status == 0)
        let path = "\(gateway.recordPath)/segments/00000001.seg"
        var status = stat()
        #expect(unsafe stat(path, &status) == 0)
        for back in [5, 20, 40, 100] {
            try Self.change(path, at: Int(status.st_size) - back, to: 0xA5)
            let found = try RecordTests.logs(gateway, ["verify"])
            #expect(found.status == 1 && found.text.contains("parity"), "\(found.text)")
            #expect(try RecordTests.logs(gateway, ["verify", "--repair"]).status == 0)
            #expect(try RecordTests.logs(gateway, ["verify"]).status == 0)
        }
    }

    @Test("a journal that is cut off under the gateway ends nothing, and the account is right")
    func cutJournals() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(vendor: vendor.port)
        var count = 0
        for bytes in [8192, 0] {
            for path in try Self.journals(gateway.recordPath) {
                #expect(unsafe truncate(path, off_t(bytes)) == 0)
            }
            for _ in 0..<20 {
                let client = try RawConnection(port: gateway.port)
                #expect(try client.exchange(Self.call("s", "text")).status == 200)
                count += 1
            }
        }
        try gateway.await("all") {
            let stored = try gateway.metric("weir_records_stored_total")
            return try stored + gateway.metric("weir_records_dropped_total") == count
        }
        // What is in the store is erased, and what may be left is named.
        let forget = try RecordTests.logs(gateway, ["forget", "--session", "s"])
        #expect(forget.status == 1 && forget.text.contains("erased the text of \(count) "))
        gateway.process.signal(SIGTERM)
        #expect(try gateway.process.wait() == 0)
        #expect(try RecordTests.logs(gateway, ["forget", "--session", "s"]).status == 0)
        let verify = try RecordTests.logs(gateway, ["verify"])
        #expect(verify.status == 0 && verify.text.hasPrefix("emitted \(count) "))
    }

    @Test("a loss that was acknowledged is named and fails nothing, until more is lost")
    func acknowledged() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(vendor: vendor.port)
        func verify(_ more: String...) throws -> (status: Int32, text: String) {
            try RecordTests.logs(gateway, ["verify"] + more)
        }
        func health(holds text: String) throws -> Bool {
            try gateway.page("/healthz").text.contains(text)
        }
        func segment(_ number: Int) -> String {
            "\(gateway.recordPath)/segments/0000000\(number).seg"
        }
        for number in 1...4 {
            let client = try RawConnection(port: gateway.port)
            #expect(try client.exchange(Self.call("s", "text \(number)")).isWhole)
            try gateway.await("one") { try gateway.metric("weir_records_stored_total") == number }
            #expect(try RecordTests.logs(gateway, ["seal"]).status == 0)
        }
        #expect(try verify("--acknowledge").status == 0)
        unsafe unlink(segment(1))
        #expect(try verify().text.contains("\nsegment 1 IS NOT THERE"))
        #expect(try verify().status == 1)
        try gateway.await("the loss") { try gateway.metric("weir_record_losses") == 1 }
        #expect(try health(holds: "weir logs verify names them: 1"))
        let now = try verify("--acknowledge")
        #expect(now.status == 0 && now.text.contains("\nacknowledged 20"), "\(now.text)")
        let json = try verify("--json")
        #expect(json.status == 0 && json.text.contains(#""losses":[],"losses_acknowledged":[{"#))
        let entry = #""kind":"segment_missing","name":"1","count":1,"acknowledged":"20"#
        #expect(json.text.contains(entry), "\(json.text)")
        try gateway.await("the gateway to know") {
            try gateway.metric("weir_record_losses_acknowledged") == 1
                && gateway.metric("weir_record_losses") == 0
        }
        #expect(try health(holds: "ok\n"))
        // And without a gateway; one is lost, and one is damaged for good.
        gateway.process.signal(SIGTERM)
        #expect(try gateway.process.wait() == 0)
        #expect(try verify().status == 0)
        unsafe unlink(segment(2))
        for offset in stride(from: 60, to: 9000, by: 60) {
            try? Self.change(segment(3), at: offset, to: 0xA5)
        }
        let new = try verify()
        #expect(new.status == 1 && new.text.contains("\nsegment 2 IS NOT THERE"))
        #expect(new.text.contains("\nacknowledged 20") && new.text.contains("\nsegment 3: "))
        #expect(try verify("--repair").status == 1)
        #expect(try verify("--acknowledge").status == 0)
        let known = try verify()
        #expect(known.status == 0 && known.text.contains(": segment 3: "), "\(known.text)")
    }

    @Test("an index of the log that is cut off under the gateway ends no process")
    func cutIndex() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(vendor: vendor.port)
        let index = "\(gateway.recordPath)/weir.db-shm"
        var count = 0
        for bytes in [0, 4096, 0] {
            for _ in 0..<10 {
                let client = try RawConnection(port: gateway.port)
                #expect(try client.exchange(Self.call("s", "text")).status == 200)
                count += 1
            }
            #expect(unsafe truncate(index, off_t(bytes)) == 0)
            try gateway.await("all") {
                try gateway.metric("weir_records_stored_total") == count
            }
            let verify = try RecordTests.logs(gateway, ["verify"])
            #expect(verify.status == 0 && verify.text.hasPrefix("emitted \(count) "))
        }
        gateway.process.signal(SIGTERM)
        #expect(try gateway.process.wait() == 0)
        let verify = try RecordTests.logs(gateway, ["verify"])
        #expect(verify.status == 0 && verify.text.hasPrefix("emitted \(count) = stored \(count) "))
    }

    @Test("journals that two processes share in an upgrade are cut off, and both go on")
    func cutShared() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(TakeoverTests.toml(vendor.port), server: "workers = 2")
        let stream = try RawConnection(port: gateway.port)
        try stream.send(
            TakeoverTests.chat("X-Mock-Chunks: 60\r\nX-Mock-Delay: 30\r\n", stream: true))
        _ = try stream.take(through: "\r\n\r\n")
        let next = try TakeoverTests.successor(of: gateway)
        try next.awaitLine(" taken over ")
        try gateway.process.awaitLine(" another process has taken over")
        // The old one writes to its journal, the new one reads it, and has one of its own.
        for path in try Self.journals(gateway.recordPath) {
            #expect(unsafe truncate(path, 0) == 0)
        }
        for _ in 0..<8 {
            #expect(try RawConnection(port: gateway.port).exchange(TakeoverTests.chat()).isWhole)
        }
        #expect(try stream.take(through: "\r\n0\r\n\r\n").contains("[DONE]"))
        stream.close()
        #expect(try gateway.process.wait(seconds: 60) == 0)
        next.signal(SIGTERM)
        #expect(try next.wait() == 0)
        let verify = try RecordTests.logs(gateway.recordPath, ["verify", "--json"])
        #expect(verify.text.contains(#""balanced":true,"rows_missing":0"#), "\(verify.text)")
        let known = try RecordTests.logs(gateway.recordPath, ["verify", "--acknowledge"])
        #expect(known.status == 0, "\(known.text)")
    }
}
