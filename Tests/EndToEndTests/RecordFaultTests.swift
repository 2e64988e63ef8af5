import Glibc
import JSON
import Primitives
import Reactor
import Support
import Synchronization
import Testing

/// What the disk, the kernel and other machines do to the record, and what must be left of it.
@Suite("The record under faults")
struct RecordFaultTests {
    private static let killRounds = 50
    private static let segmentKillRounds = 50

    static let chat = RecordTests.request(
        "/v1/chat/completions",
        #"{"model":"gpt-4o","stream":true,"stream_options":{"include_usage":true}}"#,
        "X-Mock-Chunks: 12\r\nX-Mock-Delay: 3\r\n")

    /// Streams from some clients until the gateway is gone; the names of what came whole.
    static func load(
        _ port: Int, _ request: String = chat, clients: Int = 64, milliseconds: Int,
        _ kill: () throws -> Void
    ) throws -> [String] {
        let whole = Mutex<[String]>([])
        let isOver = Atomic<Bool>(false)
        let threads = try (0..<clients).map { number in
            try Reactor.Thread(name: "client-\(number)") {
                guard let client = try? RawConnection(port: port) else { return }
                while !isOver.load(ordering: .relaxed) {
                    guard let response = try? client.exchange(request), response.isWhole,
                        response.status == 200, let id = response["x-weir-id"]
                    else { return }
                    whole.withLock { $0.append(id) }
                }
            }
        }
        poll(nil, 0, Int32(milliseconds))
        let killing = Result { try kill() }
        isOver.store(true, ordering: .relaxed)
        for thread in threads { thread.join() }
        try killing.get()
        return whole.withLock { $0 }
    }

    @Test("after kill -9 every response that a client had whole has its record, once")
    func kills() throws {
        let vendor = try MockProcess()
        let folder = try TemporaryFolder()
        var random = RandomSource(seed: UInt64(getpid()))
        var whole: [String] = []
        for _ in 0..<Self.killRounds {
            let gateway = try GatewayProcess(vendor: vendor.port, folder: folder)
            let time = Int.random(in: 150...900, using: &random)
            whole += try Self.load(gateway.port, milliseconds: time) {
                gateway.process.signal(SIGKILL)
            }
            _ = try gateway.process.wait()
        }
        #expect(whole.count > Self.killRounds * 64)
        let gateway = try GatewayProcess(vendor: vendor.port, folder: folder)
        // An end in order: everything that was left is stored before it.
        try gateway.await("what was left") {
            try RecordTests.logs(gateway, ["verify"]).text.contains("pending 0")
        }
        gateway.process.signal(SIGTERM)
        #expect(try gateway.process.wait() == 0)
        let records = try RecordTests.records(gateway.recordPath)
        var outcomes: [String: [String]] = [:]
        for record in records {
            let id = record["id"]?.text ?? ""
            outcomes[id, default: []].append(record["outcome"]?.text ?? "")
            if record["outcome"]?.text == "complete" {
                #expect(record["output_tokens"]?.integer == 12)
            }
        }
        #expect(outcomes.values.allSatisfy { $0.count == 1 })
        let missing = whole.filter { outcomes[$0] != ["complete"] }
        #expect(missing.isEmpty, "\(missing.count) of \(whole.count): \(missing.prefix(3))")
        let interrupted = outcomes.values.filter { $0 == ["interrupted"] }.count
        #expect(interrupted > Self.killRounds)
        let verify = try RecordTests.logs(gateway.recordPath, ["verify"])
        #expect(verify.status == 0, "\(verify.text)")
        #expect(verify.text.contains("dropped 0 + pending 0"))
    }

    @Test("kill -9 while segments are sealed, compressed and evicted loses no record")
    func killsOfSegments() throws {
        let vendor = try MockProcess()
        let folder = try TemporaryFolder()
        var random = RandomSource(seed: UInt64(getpid()))
        let words = (0..<200).map { _ in "\(UInt32.random(in: 0...(.max), using: &random))" }
        let prompt = (0..<50_000).map { words[$0 * $0 % words.count] }.joined(separator: " ")
        let request = RecordTests.request(
            "/v1/chat/completions",
            #"{"model":"gpt-4o","stream":true,"messages":[{"content":"\#(prompt)"}]}"#,
            "X-Mock-Chunks: 3\r\n")
        // Segments of 4 MiB are some eight calls.
        let log = "max_size = \"64MiB\""
        var whole: [String] = []
        for round in 0..<Self.segmentKillRounds {
            // At first another process seals and packs, too, and every second one is killed as
            // well. Then nothing packs, and the oldest segments are evicted.
            let isPacking = round < Self.segmentKillRounds / 2
            let gateway = try GatewayProcess(
                vendor: vendor.port, log: "\(log)\ncompress = \(isPacking)", folder: folder)
            let command = isPacking ? ["seal"] : ["stats"]
            let seal = try ChildProcess(
                try Binaries.weir, ["logs"] + command + ["--path", gateway.recordPath])
            let time = Int.random(in: 100...500, using: &random)
            whole += try Self.load(gateway.port, request, clients: 8, milliseconds: time) {
                gateway.process.signal(SIGKILL)
                if round % 2 == 0 { seal.signal(SIGKILL) }
            }
            _ = try gateway.process.wait()
            _ = try seal.wait()
        }
        #expect(whole.count > Self.segmentKillRounds)
        let gateway = try GatewayProcess(vendor: vendor.port, log: log, folder: folder)
        try gateway.await("what was left") {
            try RecordTests.logs(gateway, ["verify"]).text.contains("pending 0")
        }
        gateway.process.signal(SIGTERM)
        #expect(try gateway.process.wait() == 0)
        var outcomes: [String: [String]] = [:]
        for record in try RecordTests.records(gateway.recordPath) {
            outcomes[record["id"]?.text ?? "", default: []].append(record["outcome"]?.text ?? "")
        }
        #expect(outcomes.values.allSatisfy { $0.count == 1 })
        let missing = whole.filter { outcomes[$0] != ["complete"] }
        #expect(missing.isEmpty, "\(missing.count) of \(whole.count): \(missing.prefix(3))")
        let verify = try RecordTests.logs(gateway.recordPath, ["verify"])
        #expect(verify.status == 0, "\(verify.text)")
        #expect(verify.text.contains(" 0 damaged") && !verify.text.contains(" 0 gone"))
        #expect(try RecordTests.logs(gateway.recordPath, ["seal"]).status == 0)
        let again = try RecordTests.logs(gateway.recordPath, ["verify"])
        #expect(again.text == verify.text && again.status == 0, "\(again.text)")
    }

    @Test("a full disk costs records, and no call")
    func fullDisk() throws {
        let vendor = try MockProcess()
        let folder = try TemporaryFolder()
        // Files of 4 MiB at most: the journals fit, the segment soon does not.
        let gateway = try GatewayProcess(
            vendor: vendor.port, server: "workers = 1", log: "journal_size = \"3MiB\"",
            limits: "-f 8192", folder: folder)
        let body = String(repeating: "x", count: 200_000)
        let request = RecordTests.request(
            "/v1/chat/completions", "{\"model\":\"gpt-4o\",\"pad\":\"\(body)\"}")
        for number in 0..<150 {
            // Room is given back every twentieth of a second, so dropped bytes fill no disk.
            let earlier = try gateway.metric("weir_records_failing") == 0 ? number - 8 : 0
            try gateway.await("room") {
                try gateway.metric("weir_records_stored_total") >= earlier
                    || gateway.metric("weir_records_failing") == 1
            }
            let response = try RawConnection(port: gateway.port).exchange(request)
            #expect(response.status == 200 && response.isWhole)
        }
        try gateway.await("the trouble") {
            try gateway.page("/healthz").text.contains("not recorded: pwritev: ")
        }
        #expect(try gateway.page("/healthz").status == 200)
        #expect(try gateway.metric("weir_records_failing") == 1)
        let emitted = try gateway.metric("weir_records_emitted_total")
        #expect(emitted == 150)
        let verify = try RecordTests.logs(gateway, ["verify"])
        #expect(verify.status == 0, "\(verify.text)")
        // With room again the next process stores what the journals kept.
        gateway.process.signal(SIGTERM)
        #expect(try gateway.process.wait() == 0)
        let next = try GatewayProcess(
            vendor: vendor.port, server: "workers = 1", folder: folder)
        try next.await("what was left") {
            let text = try RecordTests.logs(next, ["verify"]).text
            return text.hasPrefix("emitted 150 = ") && text.contains("pending 0")
        }
    }

    @Test("where nothing can be written calls are served, counted, and said to be unrecorded")
    func unwritable() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(vendor: vendor.port, recordPath: "/proc/weir")
        for _ in 0..<5 {
            let response = try RawConnection(port: gateway.port).exchange(Self.chat)
            #expect(response.isWhole)
        }
        #expect(try gateway.page("/healthz").text.contains("not recorded: mkdir /proc/weir"))
        #expect(try gateway.metric("weir_records_emitted_total") == 5)
        #expect(try gateway.metric("weir_records_dropped_total") == 5)
        #expect(try gateway.metric("weir_records_pending") == 0)
    }

    @Test("where something can be written later, calls are recorded from then on")
    func resumed() throws {
        let vendor = try MockProcess()
        let folder = try TemporaryFolder()
        let gateway = try GatewayProcess(
            vendor: vendor.port, folder: folder, recordPath: "\(folder.path)/later/record")
        for _ in 0..<5 {
            #expect(try RawConnection(port: gateway.port).exchange(Self.chat).isWhole)
        }
        #expect(try gateway.page("/healthz").text.contains("not recorded: mkdir"))
        #expect(try gateway.metric("weir_records_failing") == 1)
        #expect(unsafe mkdir("\(folder.path)/later", 0o700) == 0)
        // What was served before is a loss that is named from then on.
        try gateway.await("the record") {
            let health = try gateway.page("/healthz").text
            return health.hasPrefix("ok") && !health.contains("not recorded")
        }
        try gateway.process.awaitLine("calls are recorded from now on")
        for count in 1...5 {
            #expect(try RawConnection(port: gateway.port).exchange(Self.chat).isWhole)
            try gateway.await("one") {
                try gateway.metric("weir_records_stored_total") == count
            }
        }
        #expect(try gateway.metric("weir_records_failing") == 0)
        #expect(try gateway.metric("weir_records_emitted_total") == 10)
        #expect(try gateway.metric("weir_records_dropped_total") == 5)
        let verify = try RecordTests.logs(gateway, ["verify"])
        #expect(verify.text.hasPrefix("emitted 5 = stored 5 + dropped 0 "))
        // It names those from before.
        #expect(verify.status == 1 && verify.text.contains("5 exchanges were served while nothing"))
        gateway.process.signal(SIGTERM)
        #expect(try gateway.process.wait() == 0)
    }

    @Test("a stopped consumer's journals fill, bodies go first, and every moment adds up")
    func stoppedConsumer() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(
            vendor: vendor.port, server: "workers = 1", log: "journal_size = \"1MiB\"")
        _ = try RawConnection(port: gateway.port).exchange(Self.chat)
        // The store's write lock, held by another process: SQLITE_BUSY for the consumer.
        let lock = try ChildProcess(
            "/usr/bin/env",
            [
                "python3", "-c",
                """
                import sqlite3, sys, time
                db = sqlite3.connect("\(gateway.recordPath)/weir.db", isolation_level=None)
                db.execute("BEGIN IMMEDIATE")
                print("locked", flush=True)
                time.sleep(3600)
                """,
            ])
        try lock.awaitLine("locked")
        let big = RecordTests.request(
            "/v1/chat/completions",
            "{\"model\":\"m\",\"pad\":\"\(String(repeating: "x", count: 60_000))\"}")
        for _ in 0..<60 {
            #expect(try RawConnection(port: gateway.port).exchange(big).isWhole)
        }
        #expect(try gateway.metric("weir_record_pieces_dropped_total") > 0)
        let verify = try RecordTests.logs(gateway, ["verify", "--json"])
        #expect(verify.status == 0, "\(verify.text)")
        #expect(try JSONValue(parsing: verify.text)["emitted"]?.integer == 61)
        lock.signal(SIGKILL)
        _ = try lock.wait()
        try gateway.await("everything stored") {
            let stored = try gateway.metric("weir_records_stored_total")
            return try stored + gateway.metric("weir_records_dropped_total") == 61
        }
        #expect(try RecordTests.logs(gateway, ["verify"]).text.contains("pending 0"))
    }

    @Test("records go to JSON Lines and to a real ClickHouse, whole and once")
    func sinks() throws {
        let vendor = try MockProcess()
        let server = try ClickHouseProcess()
        let folder = try TemporaryFolder()
        let gateway = try GatewayProcess(
            vendor: vendor.port,
            log: """
                [sinks.lines]
                kind = "jsonl"
                path = "\(folder.path)/records.jsonl"
                [sinks.fleet]
                kind = "clickhouse"
                url = "http://127.0.0.1:\(server.port)"
                password = "env:WEIR_TEST_CLICKHOUSE"
                bodies = true
                batch = 10
                """,
            environment: ["WEIR_TEST_CLICKHOUSE": ClickHouseProcess.password], folder: folder)
        // An odd body among them: bytes that are no UTF-8.
        var requests = [[UInt8]](repeating: Array(Self.chat.utf8), count: 30)
        requests.append(
            Array("POST /v1/files HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n".utf8)
                + [0xFF, 0x00, 0x27])
        for request in requests {
            let client = try RawConnection(port: gateway.port)
            try client.send(request)
            #expect(try client.response().isWhole)
        }
        for sink in ["lines", "fleet"] {
            try gateway.await("\(sink) to have all") {
                try gateway.metric("weir_sink_delivered_total", where: sink) == 31
            }
        }
        #expect(try server.ask("SELECT count() FROM weir_records FINAL") == "31")
        #expect(
            try server.ask(
                "SELECT sum(output_tokens), uniqExact(id), min(status) FROM weir_records")
                == "360\t31\t200")
        #expect(
            try server.ask(
                "SELECT countIf(position(response_body, '[DONE]') > 0) FROM weir_records") == "30")
        let verify = try RecordTests.logs(gateway, ["verify"])
        #expect(
            verify.text.contains("sink fleet: delivered 31, quarantined 0, skipped 0, pending 0"))
        // An outage: what comes meanwhile is delivered after it.
        server.stop()
        _ = try RawConnection(port: gateway.port).exchange(Self.chat)
        try gateway.await("the outage") {
            try gateway.metric("weir_sink_failing", where: "fleet") == 1
        }
        try server.start()
        try gateway.await("the rest") {
            try gateway.metric("weir_sink_delivered_total", where: "fleet") == 32
        }
        #expect(try server.ask("SELECT count() FROM weir_records FINAL") == "32")
    }
}
