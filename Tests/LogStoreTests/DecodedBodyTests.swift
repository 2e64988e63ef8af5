import Codings
import Journal
import Primitives
import Support
import Testing

@testable import LogStore

@Suite("Encoded bodies in the store")
struct DecodedBodyTests {
    private static let text = "{\"input\":\"a needle, größe\"," + String(repeating: " ", count: 300)

    /// The text in each coding.
    private static func bodies() throws -> [(coding: String, body: [UInt8])] {
        let bytes = Array(text.utf8)
        let gzip = try #require(Gzip.compress(bytes))
        // Deflate in zlib's wrapper: two bytes before it, and a checksum behind.
        let wrapped = try #require(Gzip.compress(bytes, isWrapped: false))
        let deflate = Array(wrapped[2..<wrapped.count - 4])
        return [
            ("gzip", gzip), ("deflate", deflate), ("deflate", wrapped),
            ("br", StoredCoding.brotli(bytes)), ("zstd", StoredCoding.zstd(bytes)),
        ]
    }

    private static func body(_ bytes: [UInt8]) -> Record.Body {
        Record.Body(bytes: bytes, totalBytes: bytes.count)
    }

    @Test("are decoded, and what is cut or broken says so and keeps what could be decoded")
    func decoding() throws {
        for (coding, body) in try Self.bodies() {
            let fields = "host: a\r\nContent-Encoding: \(coding)\r\nx: y\r\n"
            let whole = try #require(DecodedBody(Self.body(body), fields: fields))
            #expect(whole.bytes == Array(Self.text.utf8) && whole.fault == "", "\(coding)")
            #expect(whole.coding == coding)
            for count in 1..<body.count {
                let cut = DecodedBody(Self.body(Array(body[..<count])), fields: fields)
                #expect(cut?.fault.isEmpty == false, "\(coding) \(count)")
                #expect(cut.map { Self.text.utf8.starts(with: $0.bytes) } == true)
            }
            let broken = DecodedBody(
                Self.body(body + [UInt8](repeating: 7, count: 64)), fields: fields)
            #expect(broken?.fault.contains("broken") == true, "\(coding)")
            if body.count > 128 { #expect(broken?.holds("needle") == true, "\(coding)") }
        }
        let none = Self.body(Array(Self.text.utf8))
        #expect(DecodedBody(none, fields: "host: a\r\n") == nil)
        #expect(DecodedBody(none, fields: "content-encoding: identity\r\n") == nil)
        #expect(DecodedBody(Record.Body(), fields: "content-encoding: gzip\r\n") == nil)
        let unknown = try #require(DecodedBody(none, fields: "content-encoding: x\r\n"))
        #expect(unknown.bytes.isEmpty && unknown.fault.contains("not known"))
    }

    @Test("are found by a text in them, in requests and responses")
    func search() throws {
        let scratch = try RecordScratch()
        let store = try Store(folder: scratch.folder.path)
        var records: [Record] = []
        for (index, (coding, body)) in try Self.bodies().enumerated() {
            for isRequest in [true, false] {
                var record = Record(
                    Identifier(high: 1, low: UInt64(2 * index + (isRequest ? 0 : 1))))
                record.exchange = UInt64(records.count)
                record.acceptedMicroseconds = records.count
                if isRequest {
                    record.requestFields = "content-encoding: \(coding)\r\n"
                    record.requestBody = Self.body(body)
                } else {
                    record.responseFields = "CONTENT-ENCODING: \(coding)\r\n"
                    record.responseBody = Self.body(body)
                }
                records.append(record)
            }
        }
        // Two that do not match: a coding that hides nothing, and one that is broken.
        var other = Record(Identifier(high: 2, low: 1))
        other.requestFields = "content-encoding: gzip\r\n"
        other.requestBody = Self.body(Array("not gzip".utf8))
        try store.insert(records + [other])
        for store in [store, try Store(reading: scratch.folder.path)] {
            var filter = RecordFilter()
            filter.text = "needle, größe"
            #expect(try store.count(filter) == records.count)
            filter.text = "no such text"
            #expect(try store.count(filter) == 0)
        }
    }
}
