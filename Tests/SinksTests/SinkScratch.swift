import Glibc
import LogStore
import Logging
import Primitives
import Reactor
import Support
import Synchronization
import Telemetry

@testable import Sinks

/// A store in a folder of its own, filled with records, and sinks beside it.
final class SinkScratch {
    let path: String
    let store: Store
    private let waker: Waker

    init() throws {
        var template = Array("/tmp/weir-sink-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw SystemError(call: "mkdtemp") }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        store = try Store(folder: path)
        waker = try Waker()
    }

    deinit {
        try? store.close()
        guard let folder = unsafe opendir(path) else { return }
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            unsafe unlink("\(path)/\(name)")
        }
        unsafe closedir(folder)
        unsafe rmdir(path)
    }

    static func record(_ number: Int) -> Record {
        var record = Record(Identifier(high: UInt64(number), low: UInt64(number)))
        record.acceptedMicroseconds = 1_700_000_000_000_000 + number
        record.method = "POST"
        record.target = "/v1/chat/completions"
        record.vendor = "openai"
        record.model = "m-\(number)"
        record.outcome = "complete"
        record.status = 200
        record.endMicroseconds = 5000
        return record
    }

    /// Stores the records of these numbers.
    func fill(_ numbers: ClosedRange<Int>, _ change: (inout Record) -> Void = { _ in }) throws {
        let records = numbers.map { number in
            var record = Self.record(number)
            change(&record)
            return record
        }
        try store.insert(records)
    }

    func runner(
        _ metrics: SinkMetrics, batchMax: Int = 10, _ sink: some Sink & Sendable
    ) throws -> SinkRunner {
        try SinkRunner(
            SinkRunner.Settings(
                name: metrics.name, store: store, batchMax: batchMax, withBodies: false,
                metrics: metrics, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        ) { sink }
    }

    /// The first so many records of the store.
    func stored(_ limit: Int = 100, withBodies: Bool = false) throws -> [StoredRecord] {
        try store.records(after: 0, limit: limit, withBodies: withBodies)
    }

    /// Waits until a condition holds; false when it never did.
    func await(_ condition: () throws -> Bool) throws -> Bool {
        try Patience.await(condition)
    }
}

/// A sink that does what a test says, and remembers what it was given.
struct ScriptedSink: Sink, Sendable {
    final class Memory: Sendable {
        private let taken = Mutex<[String]>([])
        private let outages = Atomic<Int>(0)

        var models: [String] { taken.withLock { $0 } }

        func take(_ records: [StoredRecord]) {
            taken.withLock { $0 += records.map(\.record.model) }
        }

        /// How many further deliveries fail.
        func fail(_ count: Int) { outages.store(count, ordering: .relaxed) }

        func isOut() -> Bool {
            guard outages.load(ordering: .relaxed) > 0 else { return false }
            outages.subtract(1, ordering: .relaxed)
            return true
        }
    }

    let memory = Memory()
    var poison: Set<String> = []

    func deliver(_ records: [StoredRecord]) -> Delivery {
        if memory.isOut() { return .later(reason: "away", after: .milliseconds(1)) }
        if records.contains(where: { poison.contains($0.record.model) }) {
            return .refused(reason: "poison")
        }
        memory.take(records)
        return .delivered
    }
}
