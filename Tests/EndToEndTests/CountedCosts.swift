import Glibc
import JSON
import Primitives
import Support

/// What a chunk or a call costs a worker, counted from outside.
///
/// Allocations by a library in front of the C library's, system calls by strace, instructions by
/// callgrind. Nothing is timed.
struct CountedCosts {
    var allocations: Double?
    var systemCalls: Double?
    var instructions: Double?
    /// Instructions of those that count references, some forty for each.
    var references: Double?

    /// The committed thresholds.
    static func threshold(_ what: String) throws -> CountedCosts {
        let all = try JSONValue(parsing: Repository.text("Benchmarks/thresholds.json"))
        guard let entry = all[what] else { throw RawConnection.Failure.broken("no \(what)") }
        return CountedCosts(
            allocations: entry["allocations"]?.double,
            systemCalls: entry["system_calls"]?.double,
            instructions: entry["instructions"]?.double,
            references: entry["reference_instructions"]?.double)
    }

    /// The least of several counts: what is above it a busy machine has added, which hands the
    /// program its bytes in more pieces.
    static func least<Count>(
        by size: (Count) -> Double, of rounds: Int = 5, _ count: () throws -> Count
    ) rethrows -> Count {
        var least = try count()
        for _ in 1..<rounds {
            let next = try count()
            if size(next) < size(least) { least = next }
        }
        return least
    }

    /// The counts above a threshold, in words; empty where there are none.
    func excesses(over threshold: CountedCosts) -> [String] {
        [
            ("allocations", allocations, threshold.allocations),
            ("system calls", systemCalls, threshold.systemCalls),
            ("instructions", instructions, threshold.instructions),
            ("instructions of counting references", references, threshold.references),
        ].compactMap { name, value, most in
            guard let value, let most, value > most else { return nil }
            return "\(name): \(value) where \(most) are allowed"
        }
    }
}

/// A gateway whose worker is counted.
final class CountedGateway {
    private let vendor: MockProcess
    let gateway: GatewayProcess
    private let folder: TemporaryFolder
    private let counter: SharedCounter
    private let stepped: SteppedVendor?

    /// `worse` names what the library in front of the C library does with each send besides.
    init(worse: String = "", isStepped: Bool = false, vendorPort: Int? = nil) throws {
        stepped = isStepped ? try SteppedVendor() : nil
        folder = try TemporaryFolder()
        let file = try folder.write("\0\0\0\0\0\0\0\0", to: "count")
        counter = try SharedCounter(file)
        vendor = try MockProcess()
        gateway = try GatewayProcess(
            vendor: vendorPort ?? stepped?.port ?? vendor.port, server: "workers = 1",
            environment: [
                "LD_PRELOAD": "\(Binaries.release)/libAllocationCounter.so",
                "ALLOCATION_COUNTER": file, "WORSE_SEND": worse,
            ])
    }

    private static func request(_ streams: Bool, _ fields: String) -> String {
        RecordTests.request(
            "/v1/chat/completions",
            "{\"model\":\"gpt-4o\",\"stream\":\(streams),\"messages\":[]}", fields)
    }

    /// A stream whose chunks come one by one, opened and warm.
    private func openStream(delay: Int) throws -> RawConnection {
        let client = try RawConnection(port: gateway.port)
        try client.send(Self.request(true, "X-Mock-Chunks: 9000\r\nX-Mock-Delay: \(delay)\r\n"))
        try Self.skip(client, events: 200)
        return client
    }

    /// Takes so many events, each of which ends in an empty line.
    private static func skip(_ client: RawConnection, events: Int) throws {
        for _ in 0..<events { _ = try client.take(through: "\n\n") }
    }

    /// Allocations for a relayed chunk.
    func allocationsPerChunk(_ chunks: Int = 2000) throws -> Double {
        let client = try openStream(delay: 1)
        let before = counter.value
        guard before > 100 else { throw RawConnection.Failure.broken("nothing is counted") }
        try Self.skip(client, events: chunks)
        return Double(counter.value - before) / Double(chunks)
    }

    /// Allocations for a plain call.
    func allocationsPerCall(_ calls: Int = 2000) throws -> Double {
        let client = try RawConnection(port: gateway.port)
        for _ in 0..<50 { _ = try client.exchange(Self.request(false, "")) }
        let before = counter.value
        for _ in 0..<calls { _ = try client.exchange(Self.request(false, "")) }
        return Double(counter.value - before) / Double(calls)
    }

    /// System calls of the worker for a relayed chunk that comes alone.
    func systemCallsPerChunk(_ chunks: Int = 200) throws -> Double {
        guard let stepped else { throw RawConnection.Failure.broken("no steps") }
        let client = try RawConnection(port: gateway.port)
        try client.send(Self.request(true, ""))
        func run(_ count: Int) throws {
            for _ in 0..<count {
                try stepped.step()
                try Self.skip(client, events: 1)
            }
        }
        try run(50)
        return try traced { try run(chunks) } / Double(chunks)
    }

    /// System calls of the worker for a plain call.
    func systemCallsPerCall(_ calls: Int = 150) throws -> Double {
        let client = try RawConnection(port: gateway.port)
        for _ in 0..<50 { _ = try client.exchange(Self.request(false, "")) }
        let least = try CountedCosts.least(by: { $0 }, of: 3) {
            try traced { for _ in 0..<calls { _ = try client.exchange(Self.request(false, "")) } }
        }
        return least / Double(calls)
    }

    /// Allocations and system calls of the worker for a frame of a tunnel, half of what a frame and
    /// its answer take.
    func costsPerFrame(_ rounds: Int = 200) throws -> CountedCosts {
        let client = try RawConnection(port: gateway.port)
        try client.send(
            "GET /v1/realtime?model=m HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
                + "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        _ = try client.take(through: "\r\n\r\n")
        let ask = FrameVendor.asked.bytes(mask: [1, 2, 3, 4])
        func run(_ count: Int) throws {
            for _ in 0..<count {
                try client.send(ask)
                _ = try client.take(FrameVendor.answered.count)
            }
        }
        try run(50)
        let calls = try CountedCosts.least(by: { $0 }, of: 3) { try traced { try run(rounds) } }
        let before = counter.value
        try run(10 * rounds)
        return CountedCosts(
            allocations: Double(counter.value - before) / Double(20 * rounds),
            systemCalls: calls / Double(2 * rounds))
    }

    /// The worker's system calls while something is done.
    private func traced(_ body: () throws -> Void) throws -> Double {
        let file = "\(folder.path)/calls"
        let trace = try ChildProcess(
            "/usr/bin/strace", ["-c", "-o", file, "-p", "\(try workerThread())"])
        try trace.awaitLine("attached")
        try body()
        trace.signal(SIGTERM)
        _ = try trace.wait()
        guard let report = Self.text(file) else { throw RawConnection.Failure.broken("strace") }
        // The last line sums up: share, seconds, microseconds a call, calls.
        let total = report.split(separator: "\n").last { $0.hasSuffix("total") }
        let words = total?.split(separator: " ") ?? []
        guard let calls = words.dropFirst(2).compactMap({ Double($0) }).first(where: { $0 > 100 })
        else { throw RawConnection.Failure.broken("strace said: \(report)") }
        return calls
    }

    private func workerThread() throws -> Int {
        let process = gateway.process.pid
        for thread in try ChildProcess.list("/proc/\(process)/task") {
            if Self.text("/proc/\(process)/task/\(thread)/comm") == "weir-worker-0\n" {
                return Int(thread) ?? 0
            }
        }
        throw RawConnection.Failure.broken("no worker")
    }

    fileprivate static func text(_ path: String) -> String? {
        guard let file = unsafe fopen(path, "r") else { return nil }
        defer { unsafe fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        let count = unsafe fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}

/// A vendor that answers each frame of a tunnel with one.
enum FrameVendor {
    private static let audio = String(repeating: "A", count: 640)
    static let asked = WebSocketFrame.text(
        "{\"type\":\"input_audio_buffer.append\",\"audio\":\"\(audio)\"}"
    )
    static let answered = WebSocketFrame.text(
        "{\"type\":\"response.output_audio.delta\",\"delta\":\"\(audio)\"}"
    ).bytes()

    static func start() throws -> ByteVendor {
        let size = asked.bytes(mask: [1, 2, 3, 4]).count
        return try ByteVendor { connection, _ in
            _ = try connection.request()
            try connection.send(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                    + "Connection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n")
            while true {
                _ = try connection.take(size)
                try connection.send(answered)
            }
        }
    }
}

extension ChildProcess {
    /// The names in a folder.
    static func list(_ path: String) throws -> [String] {
        let process = try ChildProcess("/bin/ls", [path])
        _ = try process.wait()
        return process.text.split(separator: "\n").map(String.init)
    }
}

/// A number in a file that another process maps too.
@safe
final class SharedCounter {
    private let page: UnsafeMutableRawPointer

    init(_ path: String) throws {
        let descriptor = unsafe open(path, O_RDWR | O_CREAT, 0o600)
        guard descriptor >= 0, ftruncate(descriptor, 8) == 0,
            let page = unsafe mmap(nil, 8, PROT_READ, MAP_SHARED, descriptor, 0)
        else { throw RawConnection.Failure.broken("the counter's file") }
        Glibc.close(descriptor)
        unsafe self.page = unsafe page
    }

    deinit { unsafe munmap(page, 8) }

    var value: Int { unsafe page.load(as: Int.self) }
}

/// A gateway under callgrind: every instruction of its own code counted, some fifty times slower.
final class CallgrindGateway {
    private let vendor: MockProcess
    private let folder: TemporaryFolder
    private let process: ChildProcess
    let port: Int
    private var dumps = 0

    /// `rest` follows in its configuration, with `VENDOR` for the address of the vendor.
    init(_ rest: String = "") throws {
        folder = try TemporaryFolder()
        vendor = try MockProcess()
        let address = "http://127.0.0.1:\(vendor.port)"
        let file = try folder.write(
            """
            [server]
            listen = "127.0.0.1:0"
            workers = 1
            [admin]
            listen = ""
            [log]
            path = "\(folder.path)/record"
            journal_size = "16MiB"
            [vendors.openai]
            base_url = "\(address)/v1"
            \(rest.replacing("VENDOR", with: address))
            """, to: "weir.toml")
        // valgrind cannot read what Swift writes for debuggers, and needs none of it.
        let program = "\(folder.path)/weir"
        let strip = try ChildProcess(
            "/usr/bin/strip", ["--strip-debug", "-o", program, try Binaries.weir])
        _ = try strip.wait()
        process = try ChildProcess(
            "/usr/bin/valgrind",
            [
                "--tool=callgrind", "--callgrind-out-file=\(folder.path)/out",
                // What runs on a loop: how often the record's thread looks is no cost of a call.
                "--collect-atstart=no", "--toggle-collect=$s7Reactor9EventLoopC4turn*", program,
                "serve", "--config", file,
            ])
        let line = try process.awaitLine(" serving ", seconds: 300)
        let word = line.split(separator: " ").first { $0.hasPrefix("listen=") }
        port = word.flatMap { Int($0.split(separator: ":").last ?? "") } ?? 0
    }

    /// What a plain call costs the worker; `fields` are each call's in turn.
    func perCall(_ calls: Int = 40, fields: [String] = [""]) throws -> CountedCosts {
        let client = try RawConnection(port: port)
        func call(_ number: Int) throws {
            _ = try client.exchange(
                RecordTests.request(
                    "/v1/chat/completions",
                    "{\"model\":\"gpt-4o\",\"stream\":false,\"messages\":[]}",
                    fields[number % fields.count]))
        }
        for number in 0..<30 { try call(number) }
        let least = try CountedCosts.least(by: { (count: Count) in count.instructions }) {
            try counted { for number in 0..<calls { try call(number) } }
        }
        return CountedCosts(
            instructions: least.instructions / Double(calls),
            references: least.references / Double(calls))
    }

    /// What a chunk of a stream at full speed costs the worker.
    func perChunk(_ chunks: Int = 3000) throws -> CountedCosts {
        try perChunk(chunks) { chunks in
            RecordTests.request(
                "/v1/chat/completions", "{\"model\":\"gpt-4o\",\"stream\":true,\"messages\":[]}",
                "X-Mock-Chunks: \(chunks)\r\n")
        }
    }

    /// The same, of the streams that a request asks for.
    func perChunk(_ chunks: Int, _ request: (Int) -> String) throws -> CountedCosts {
        let client = try RawConnection(port: port)
        _ = try client.exchange(request(100))
        // What a call costs by itself is in both.
        func least(_ chunks: Int) throws -> Count {
            try CountedCosts.least(by: { $0.instructions }) {
                try counted { _ = try client.exchange(request(chunks)) }
            }
        }
        let few = try least(100)
        let many = try least(100 + chunks)
        return CountedCosts(
            instructions: (many.instructions - few.instructions) / Double(chunks),
            references: (many.references - few.references) / Double(chunks))
    }

    /// What a request costs the worker with its answer, the least of some.
    func perRequest(_ request: String) throws -> CountedCosts {
        let client = try RawConnection(port: port)
        for _ in 0..<2 { _ = try client.exchange(request) }
        let least = try CountedCosts.least(by: { (count: Count) in count.instructions }, of: 3) {
            try counted { _ = try client.exchange(request) }
        }
        return CountedCosts(instructions: least.instructions, references: least.references)
    }

    private typealias Count = (instructions: Double, references: Double)

    private func counted(_ body: () throws -> Void) throws -> Count {
        _ = try dump()
        try body()
        return try dump()
    }

    /// What was counted since the last dump.
    private func dump() throws -> Count {
        dumps += 1
        let control = try ChildProcess(
            "/usr/bin/callgrind_control", ["--dump", "\(process.pid)"])
        _ = try control.wait()
        let path = "\(folder.path)/out.\(dumps)"
        for _ in 0..<1000 {
            if let text = try? ChildProcess("/usr/bin/awk", [Self.sums, path]),
                try text.wait() == 0
            {
                let numbers = text.text.split { $0.isWhitespace }.compactMap { Double($0) }
                if numbers.count == 2 { return (numbers[0], numbers[1]) }
            }
            poll(nil, 0, 20)
        }
        throw RawConnection.Failure.timedOut("callgrind's dump: \(control.text)")
    }

    // Reads a dump: all instructions, and those of counting references. A function's name stands
    // where it is first mentioned, and its number everywhere; the line after a call is what the
    // callee took. The totals end a dump. Not the calls: those of other threads are among them.
    private static let sums = """
        /^c?fn=/ {
            split($0, parts, /[()]/)
            if (NF > 1) { name = $0; sub(/^[^ ]* /, "", name); names[parts[2]] = name }
            if ($0 ~ /^fn/) current = names[parts[2]]
        }
        /^calls=/ { isCallee = 1; next }
        /^[-+*0-9]/ && NF == 2 {
            if (!isCallee && current ~ /^swift_(retain|release)/) references += $2
            isCallee = 0
        }
        /^totals:/ { print $2, references + 0 }
        """
}
