import Glibc
import Journal
import Primitives
import Reactor

@testable import LogStore

/// A folder of segments without a store: what a store's rows would know is kept here.
final class SegmentScratch {
    let path: String
    let folder: SegmentFolder
    var end = SegmentWriter.End()
    /// What was written, and where.
    var rows: [(record: LogStore.Record, pointer: ContentPointer)] = []

    init() throws {
        var template = Array("/tmp/weir-segments-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw SystemError(call: "mkdtemp") }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        folder = SegmentFolder(in: path)
    }

    deinit {
        folder.removeDrafts()
        for number in folder.numbers { _ = try? folder.remove(number) }
        unsafe rmdir(folder.path)
        unsafe rmdir(path)
    }

    static func record(_ number: UInt64, bytes: Int = 9) -> LogStore.Record {
        var record = LogStore.Record(Identifier(high: number, low: ~number))
        record.acceptedMicroseconds = Int(number) * 1_000_000
        record.requestFields = "host: \(number)\r\n"
        record.responseFields = "x-number: \(number)\r\n"
        let text = Array("request \(number) ".utf8)
        record.requestBody.bytes = (0..<bytes).map { text[$0 % text.count] }
        record.responseBody.bytes = Array("answer \(number)".utf8)
        return record
    }

    /// Writes records as one batch; they are known once `isCommitted`.
    func append(
        _ records: [LogStore.Record], _ writer: SegmentWriter, isCommitted: Bool = true
    ) throws {
        var batch = Batch()
        batch.records = records
        let written = try writer.append(batch, after: end)
        guard isCommitted else { return }
        self.end = written.end
        rows += zip(records, written.pointers).map { ($0, $1) }
    }

    func writer(
        _ disk: SegmentDisk = SegmentDisk(), bounds: SegmentWriter.Bounds = SegmentWriter.Bounds()
    ) throws -> SegmentWriter {
        try SegmentWriter(folder, disk, after: end, bounds: bounds)
    }

    /// Reads a record back by its row; nothing stands in a part that a fault names, and what stands
    /// in the others is what was written.
    func faults(of row: Int, _ reader: SegmentReader) -> (faults: [ContentFault], isRight: Bool) {
        let (record, pointer) = rows[row]
        var parts: [String: [UInt8]] = [:]
        let faults = reader.read(pointer, record.identifier) { kind, bytes in
            parts[kind.name] = [UInt8](bytes)
        }
        var isRight = true
        let wanted: [(Segment.Kind, [UInt8])] = [
            (.requestFields, Array(record.requestFields.utf8)),
            (.requestBody, record.requestBody.bytes),
            (.responseFields, Array(record.responseFields.utf8)),
            (.responseBody, record.responseBody.bytes),
        ]
        for (kind, bytes) in wanted {
            let isNamed = faults.contains { $0.reason == .gone || $0.part == kind.name }
            if parts[kind.name] != (isNamed || bytes.isEmpty ? nil : bytes) { isRight = false }
        }
        return (faults, isRight)
    }

    func bytes(of number: UInt64) throws -> [UInt8] {
        let file = unsafe open(folder.path(of: number), O_RDONLY)
        guard file >= 0 else { throw SystemError(call: "open") }
        defer { close(file) }
        let size = Int(lseek(file, 0, SEEK_END))
        var bytes = [UInt8](repeating: 0, count: size)
        guard unsafe pread(file, &bytes, size, 0) == size else { throw SystemError(call: "pread") }
        return bytes
    }

    func replace(_ number: UInt64, with bytes: [UInt8]) throws {
        let file = unsafe open(folder.path(of: number), O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        guard file >= 0 else { throw SystemError(call: "open") }
        defer { close(file) }
        guard unsafe pwrite(file, bytes, bytes.count, 0) == bytes.count else {
            throw SystemError(call: "pwrite")
        }
    }
}
