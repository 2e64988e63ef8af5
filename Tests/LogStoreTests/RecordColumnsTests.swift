import Dialects
import GRDB
import JSON
import Journal
import Primitives
import Testing

@testable import LogStore

private typealias Record = LogStore.Record

/// What stands on disks and in other programs' files: none of it may change by accident.
@Suite("Columns of the record")
struct RecordColumnsTests {
    /// A record with something in every field.
    static let full: LogStore.Record = {
        var record = Record(Identifier(high: 77, low: 78))
        record.journal = "j"
        record.exchange = 3
        record.acceptedMicroseconds = 1_700_000_000_123_456
        record.method = "POST"
        record.target = "/v1/x?key=<redacted>"
        record.dialect = .gemini
        record.chain = "main"
        record.vendor = "v"
        record.model = "=m,\"1\""
        record.answeringModel = "m-2"
        record.key = "00ff"
        record.outcome = "truncated"
        record.status = 200
        record.attempts = [
            Record.Attempt(
                vendor: "a", model: "b", beganMicroseconds: 1, headMicroseconds: 2,
                failedMicroseconds: 3, status: 429, failure: "rate_limit", curlCode: 56,
                reason: "why", wasSent: true),
            Record.Attempt(vendor: "c", isFresh: true, beganMicroseconds: 4),
        ]
        record.answered = 2
        record.requestMicroseconds = 5
        record.headMicroseconds = 6
        record.contentMicroseconds = 7
        record.lastByteMicroseconds = 8
        record.endMicroseconds = 9
        record.isStream = true
        record.requestBytes = 10
        record.responseBytes = 11
        record.usage.input = 12
        record.usage.output = 13
        record.usage.cacheRead = 14
        record.usage.cacheWrite = 15
        record.usage.cacheWriteLong = 16
        record.usage.reasoning = 17
        record.usage.audioInput = 18
        record.usage.audioOutput = 19
        record.usage.imageInput = 22
        record.usage.imageOutput = 23
        record.serviceTier = .flex
        record.usageState = .reported
        record.usageText = "{ \"a\": 1 }"
        record.finishReason = "stop"
        record.errorKind = "kind"
        record.errorMessage = "two\nlines"
        record.costNanodollars = 1_234_567
        record.priceVersion = "p"
        record.droppedFrames = 21
        record.client = "2001:db8::7"
        record.session = "s-1"
        record.agent = "a-1"
        record.parentAgent = "a-0"
        record.group = "team"
        record.chargedTokens = 24
        record.chargedNanodollars = 25
        record.chargeBasis = "reported"
        record.trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        record.requestFields = "a: b\r\n"
        record.responseFields = "c: d\r\n"
        record.requestBody = Record.Body(bytes: Array("{}".utf8), totalBytes: 10)
        record.responseBody = Record.Body(bytes: [0xFF], totalBytes: 1)
        return record
    }()

    /// A record with as little as there can be.
    static let bare = LogStore.Record(Identifier(high: 1, low: 2))

    private static let recordsTable = #"""
        CREATE TABLE records (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL \#
        UNIQUE, journal TEXT NOT NULL, exchange INTEGER NOT NULL, accepted_us INTEGER NOT \#
        NULL, method TEXT NOT NULL, target TEXT NOT NULL, dialect TEXT NOT NULL, chain TEXT \#
        NOT NULL, vendor TEXT NOT NULL, model TEXT NOT NULL, answering_model TEXT NOT NULL, \#
        key TEXT NOT NULL, outcome TEXT NOT NULL, status INTEGER NOT NULL, attempts TEXT NOT \#
        NULL, attempt_count INTEGER NOT NULL, answered INTEGER NOT NULL, request_us INTEGER \#
        NOT NULL, head_us INTEGER, content_us INTEGER, last_byte_us INTEGER, end_us INTEGER \#
        NOT NULL, is_stream INTEGER NOT NULL, request_bytes INTEGER NOT NULL, response_bytes \#
        INTEGER NOT NULL, input_tokens INTEGER, output_tokens INTEGER, cache_read_tokens \#
        INTEGER, cache_write_tokens INTEGER, cache_write_long_tokens INTEGER, \#
        reasoning_tokens INTEGER, audio_input_tokens INTEGER, audio_output_tokens INTEGER, \#
        usage_state TEXT NOT NULL, usage TEXT NOT NULL, finish_reason TEXT NOT NULL, \#
        error_kind TEXT NOT NULL, error_message TEXT NOT NULL, dropped_frames INTEGER NOT \#
        NULL, trace TEXT NOT NULL, cost_nanodollars INTEGER, price_version TEXT NOT NULL, \#
        image_input_tokens INTEGER, image_output_tokens INTEGER, service_tier TEXT NOT NULL \#
        DEFAULT '', client TEXT NOT NULL DEFAULT '', session TEXT NOT NULL DEFAULT '', agent \#
        TEXT NOT NULL DEFAULT '', parent_agent TEXT NOT NULL DEFAULT '', error_class TEXT NOT \#
        NULL DEFAULT '', sent_model TEXT NOT NULL DEFAULT '', key_group TEXT NOT NULL DEFAULT \#
        '', charged_tokens INTEGER, charged_nanodollars INTEGER, charge_basis TEXT NOT NULL \#
        DEFAULT '') STRICT
        """#

    private static let bodiesTable = #"""
        CREATE TABLE bodies (number INTEGER PRIMARY KEY, request_fields TEXT NOT NULL, \#
        request_body BLOB NOT NULL, request_total INTEGER NOT NULL, response_fields TEXT NOT \#
        NULL, response_body BLOB NOT NULL, response_total INTEGER NOT NULL) STRICT
        """#

    private static let fullJSON = #"""
        {"id":"0000000000016G00000000002E","time":"2023-11-14T22:13:20.123Z",\#
        "outcome":"truncated","status":200,"method":"POST","target":"/v1/x?key=<redacted>",\#
        "dialect":"gemini","chain":"main","vendor":"v","model":"=m,\"1\"",\#
        "answering_model":"m-2","key":"00ff","stream":true,"answered":2,\#
        "attempts":[{"vendor":"a","model":"b","began_us":1,"head_us":2,"failed_us":3,\#
        "status":429,"failure":"rate_limit","curl":56,"reason":"why","sent":true},\#
        {"vendor":"c","fresh":true,"began_us":4}],"request_us":5,"head_us":6,"content_us":7,\#
        "last_byte_us":8,"end_us":9,"request_bytes":10,"response_bytes":11,\#
        "usage_state":"reported","input_tokens":12,"output_tokens":13,"cache_read_tokens":14,\#
        "cache_write_tokens":15,"cache_write_long_tokens":16,"reasoning_tokens":17,\#
        "audio_input_tokens":18,"audio_output_tokens":19,"usage":{"a":1},\#
        "cost_usd":0.001234567,"price_version":"p","finish_reason":"stop","error_kind":"kind",\#
        "error_message":"two\nlines","dropped_frames":21,\#
        "trace":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",\#
        "image_input_tokens":22,"image_output_tokens":23,"service_tier":"flex",\#
        "client":"2001:db8::7","session":"s-1","agent":"a-1","parent_agent":"a-0",\#
        "error_class":"truncated","sent_model":"=m,\"1\"","key_group":"team",\#
        "charged_tokens":24,"charged_nanodollars":25,"charge_basis":"reported"
        """#

    private static let bodiesJSON = #"""
        ,"request_fields":"a: b\r\n","request_body":"{}","request_body_is_cut":true,\#
        "response_fields":"c: d\r\n","response_body_base64":"/w=="}
        """#

    private static let bareJSON = #"""
        {"id":"0000000000000G000000000002","time":"1970-01-01T00:00:00.000Z",\#
        "outcome":"interrupted","status":0,"dialect":"openai","stream":false,"answered":0,\#
        "attempts":[],"request_us":0,"end_us":0,"request_bytes":0,"response_bytes":0,\#
        "usage_state":"unknown","dropped_frames":0,"error_class":"interrupted"}
        """#

    private static let header = #"""
        id,time,outcome,status,method,target,dialect,chain,vendor,model,answering_model,key,\#
        stream,attempts,head_us,content_us,last_byte_us,end_us,request_bytes,response_bytes,\#
        usage_state,input_tokens,output_tokens,cache_read_tokens,cache_write_tokens,\#
        cache_write_long_tokens,reasoning_tokens,audio_input_tokens,audio_output_tokens,\#
        cost_usd,price_version,finish_reason,error_kind,error_message,dropped_frames,\#
        image_input_tokens,image_output_tokens,service_tier,client,session,agent,parent_agent,\#
        error_class,sent_model,key_group,charged_tokens,charged_nanodollars,charge_basis
        """#

    private static let fullLine = #"""
        0000000000016G00000000002E,2023-11-14T22:13:20.123Z,truncated,200,POST,\#
        /v1/x?key=<redacted>,gemini,main,v,"'=m,""1""",m-2,00ff,true,2,6,7,8,9,10,11,reported,\#
        12,13,14,15,16,17,18,19,0.001234567,p,stop,kind,"two\#nlines",21,\#
        22,23,flex,2001:db8::7,s-1,a-1,a-0,truncated,"'=m,""1""",team,24,25,reported
        """#

    private static let bareLine = #"""
        0000000000000G000000000002,1970-01-01T00:00:00.000Z,interrupted,0,,,openai,,,,,,false,\#
        0,,,,0,0,0,unknown,,,,,,,,,,,,,,0,,,,,,,,interrupted,,,,,
        """#

    private static func stored(_ records: [Record]) throws -> (RecordScratch, Store) {
        let scratch = try RecordScratch()
        let store = try Store(folder: scratch.folder.path)
        try store.insert(records)
        return (scratch, store)
    }

    @Test("the tables are those that were made at first")
    func schema() throws {
        let (scratch, store) = try Self.stored([])
        defer { _ = scratch }
        func sql(_ table: String) throws -> String? {
            try store.database.read { db in
                try String.fetchOne(
                    db, sql: "SELECT sql FROM sqlite_master WHERE name = ?", arguments: [table])
            }?.split(whereSeparator: \.isWhitespace).joined(separator: " ")
                .replacing("( ", with: "(").replacing(" )", with: ")")
        }
        let records = try sql("records")
        #expect(records == Self.recordsTable)
        let bodies = try sql("bodies")
        #expect(bodies == Self.bodiesTable)
    }

    @Test("a record comes back as it was stored, with its bodies and without")
    func roundTrip() throws {
        let (scratch, store) = try Self.stored([Self.full, Self.bare])
        defer { _ = scratch }
        let whole = try store.records(after: 0, limit: 9, withBodies: true)
        #expect(whole.map(\.record) == [Self.full, Self.bare])
        #expect(whole.map(\.number) == [1, 2])
        #expect(whole.map(\.id) == whole.map(\.record.identifier.description))
        var narrow = Self.full
        narrow.requestFields = ""
        narrow.responseFields = ""
        narrow.requestBody = Record.Body()
        narrow.responseBody = Record.Body()
        let list = try store.records(after: 0, limit: 9, withBodies: false)
        #expect(list.map(\.record) == [narrow, Self.bare])
    }

    @Test("JSON has these members, in this order")
    func json() throws {
        let (scratch, store) = try Self.stored([Self.full, Self.bare])
        defer { _ = scratch }
        let records = try store.records(after: 0, limit: 9, withBodies: true)
        #expect("\(records[0].json(withBodies: false))" == Self.fullJSON + "}")
        #expect("\(records[0].json(withBodies: true))" == Self.fullJSON + Self.bodiesJSON)
        #expect("\(records[1].json(withBodies: true))" == Self.bareJSON)
    }

    @Test("CSV has these columns, in this order")
    func csv() {
        #expect(StoredRecord.csvHeader == Self.header + "\r\n")
        let full = StoredRecord(number: 1, record: Self.full).csv
        #expect(full == Self.fullLine + "\r\n")
        let bare = StoredRecord(number: 2, record: Self.bare).csv
        #expect(bare == Self.bareLine + "\r\n")
    }

    @Test("what spreadsheets take for formulas is text, and numbers are numbers")
    func formulas() {
        let cells = [
            ("=1+1", "'=1+1"), ("@x", "'@x"), ("+a", "'+a"), ("-1.5", "-1.5"), ("+7", "+7"),
            ("a,b", "\"a,b\""), ("-a\"b", "\"'-a\"\"b\""), ("a\rb", "\"a\rb\""), ("", ""),
            // A mark that combines makes another character of the sign before it.
            ("a\"\u{301}", "\"a\"\"\u{301}\""), ("a,\u{301}", "\"a,\u{301}\""),
            ("=\u{301}1", "'=\u{301}1"), ("a\r\nb", "\"a\r\nb\""),
        ]
        for (model, cell) in cells {
            var record = Self.bare
            record.model = model
            let line = StoredRecord(number: 1, record: record).csv
            let isThere = line.utf8.firstRange(of: ",openai,,,\(cell),,,false,".utf8) != nil
            #expect(isThere, "\(line)")
        }
    }

    @Test("numbers of columns are given once, from 1 on, and names once in a table and an export")
    func numbers() {
        for table in [RecordTable.records, RecordTable.bodies] {
            #expect(table.columns.map(\.number) == Array(1...table.columns.count))
        }
        let stored = RecordTable.records.columns + RecordTable.bodies.columns
        #expect(Set(stored.map(\.name)).count == stored.count)
        for export in [RecordColumn.Exports.json, .csv, .clickHouse] {
            let names = RecordColumn.list(withBodies: true)
                .filter { $0.exports.contains(export) }.map(\.name)
            #expect(Set(names).count == names.count && names.count > 30)
        }
    }

    @Test("fields of a later version are passed over, and damaged ones cost what follows")
    func details() throws {
        let (scratch, store) = try Self.stored([Self.full])
        defer { _ = scratch }
        let details = try #require(
            try store.database.read { db in
                try Bytes.fetchOne(db, sql: "SELECT details FROM exchanges")
            }
        ).bytes
        let later = ByteBuffer.made {
            // Behind the last field, 55: a number, a name and bytes.
            $0.append(varint: 10 << 2 | RecordDetails.Kind.number)
            $0.append(zigzag: -7)
            $0.append(varint: 1 << 2 | RecordDetails.Kind.name)
            $0.append(varint: 1)
            $0.append(varint: 200 << 2 | RecordDetails.Kind.bytes)
            $0.append(varint: 3)
            $0.append("abc")
        }
        var plain = Self.full
        plain.requestFields = ""
        plain.responseFields = ""
        plain.requestBody = Record.Body()
        plain.responseBody = Record.Body()
        for bytes in [details, details + later, details + [0xFF], details + [0x03]] {
            try store.database.write { db in
                try db.execute(sql: "UPDATE exchanges SET details = ?", arguments: [Bytes(bytes)])
            }
            let found = try store.records(RecordFilter(), limit: 1)
            #expect(found.map(\.record) == [plain])
        }
        // Cut or changed anywhere they are read without harm.
        for cut in details.indices {
            var changed = details
            changed[cut] ^= 0xFF
            for bytes in [Array(details[..<cut]), changed] {
                var record = Self.bare
                _ = RecordDetails.read(bytes.span, into: &record) { "\($0)" }
                _ = RecordDetails.erased(bytes.span, without: [38])
            }
        }
    }

    @Test("what is forgotten leaves the details, and nothing else does")
    func erasedDetails() throws {
        let (scratch, store) = try Self.stored([Self.full, Self.bare])
        defer { _ = scratch }
        try store.erase(numbers: [1, 2])
        let found = try store.records(after: 0, limit: 9, withBodies: true).map(\.record)
        var wanted = Self.full
        wanted.target = "/v1/x"
        wanted.errorMessage = ""
        wanted.trace = ""
        wanted.requestFields = ""
        wanted.responseFields = ""
        wanted.requestBody.bytes = []
        wanted.responseBody.bytes = []
        #expect(found == [wanted, Self.bare])
    }

    @Test("attempts, usage and targets come back byte for byte", arguments: [0, 1])
    func forms(full: Int) throws {
        let scratch = try RecordScratch()
        let store = try Store(folder: scratch.folder.path)
        if full > 0 {
            // A table of names that takes no more: rows say the texts themselves.
            try store.database.write { db in
                try db.execute(
                    sql: """
                        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
                            WHERE i < \(NameTable.countMax))
                        INSERT INTO names (text, day) SELECT 'name ' || i, 99999999 FROM n
                        """)
            }
        }
        let usages = [
            "", "{}", "{\"a\":12,\"b5\":[1,22,333]}", "#", "{\"a\":\"#\",\"b\":1}", "7", "1,2,3",
            "ü9ü",
            String(repeating: "{\"a\":1}", count: 400), String(repeating: "1", count: 2000),
        ]
        let targets = [
            "", "/", "/v1/chat/completions", "/v1/messages?beta=true", "?", "a?b?c",
            "/v1/files/12345678",
            "/v1/responses/resp_0123456789abcdef/cancel", "//", "/v1/ü?ü", "/1234567/x",
        ]
        var records: [LogStore.Record] = []
        for (index, usage) in usages.enumerated() {
            for target in targets {
                var record = Self.full
                record.identifier = Identifier(high: UInt64(index), low: UInt64(records.count))
                record.usageText = usage
                record.target = target
                record.model = "12"
                if index % 3 == 2 { record.attempts[index % 2].translation = "a>b; top_k" }
                record.attempts = Array(repeating: record.attempts[index % 2], count: index * 30)
                if records.count % 3 == 0 { record.acceptedMicroseconds = -5 }
                records.append(record)
            }
        }
        try store.insert(records)
        let found = try store.records(after: 0, limit: .max, withBodies: true).map(\.record)
        let wanted = records.map { record in
            var record = record
            record.attempts = Array(record.attempts.prefix(255))
            return record
        }
        for (one, other) in zip(found, wanted) { #expect(one == other) }
        #expect(found.count == wanted.count)
        var filter = RecordFilter()
        filter.model = "12"
        #expect(try store.count(filter) == records.count)
        filter.model = "1*"
        filter.session = "s"
        filter.text = "messages?beta"
        #expect(try store.count(filter) == usages.count)
        filter = RecordFilter()
        filter.vendor = "12"
        #expect(try store.count(filter) == 0)
        filter.vendor = nil
        filter.key = "12"
        #expect(try store.count(filter) == 0)
    }
}

extension ByteBuffer {
    /// Bytes that a closure writes.
    fileprivate static func made(_ write: (inout ByteBuffer) -> Void) -> [UInt8] {
        var buffer = ByteBuffer()
        write(&buffer)
        return [UInt8](buffer.bytes)
    }
}
