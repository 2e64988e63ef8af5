import GRDB
import Glibc
import Primitives
import Support
import Testing

@testable import LogStore

/// The index of the database's log (`-shm`), which SQLite maps, when another hand cuts it off.
@Suite("A log's index that is cut off")
struct IndexGuardTests {
    private static func cut(_ folder: ScratchFolder, _ bytes: Int) {
        #expect(unsafe truncate("\(Store.path(in: folder.path))-shm", off_t(bytes)) == 0)
    }

    @Test("what was stored is found, and what comes is stored", arguments: [0, 100, 4096, 20000])
    func between(_ bytes: Int) throws {
        let folder = try ScratchFolder("index")
        let store = try Store(folder: folder.path)
        for number in 1...20 {
            try store.insert([SegmentScratch.record(UInt64(number))])
            if number.isMultiple(of: 5) { Self.cut(folder, bytes) }
            #expect(try store.count(RecordFilter()) == number)
            let other = try Store(reading: folder.path)
            #expect(try other.count(RecordFilter()) == number)
            try other.database.close()
        }
        let isWhole = try store.database.read {
            try String.fetchOne($0, sql: "PRAGMA integrity_check")
        }
        #expect(isWhole == "ok")
        try store.close()
        let again = try Store(folder: folder.path)
        #expect(try again.count(RecordFilter()) == 20)
        #expect(try again.losses() == [])
        try again.close()
    }

    @Test("a change that was being made is made as a whole, or not at all", arguments: [0, 4096])
    func within(_ bytes: Int) throws {
        let folder = try ScratchFolder("index")
        let store = try Store(folder: folder.path)
        let mark = { (number: Int) in
            try store.database.write { db in
                for part in 0..<3 {
                    // Pages of before are looked for in the index while it is cut off.
                    try db.execute(
                        sql: "INSERT OR REPLACE INTO losses VALUES ('x', ?, ?)",
                        arguments: ["\(part)", number])
                    if number.isMultiple(of: 2), part == 1 { Self.cut(folder, bytes) }
                }
            }
        }
        var stored = -1
        for number in 0..<20 {
            if (try? mark(number)) != nil { stored = number }
            let counts = try store.database.read {
                try Int.fetchSet($0, sql: "SELECT count FROM losses WHERE kind = 'x'")
            }
            #expect(counts == (stored < 0 ? [] : [stored]))
        }
        #expect(stored == 19)
        let isWhole = try store.database.read {
            try String.fetchOne($0, sql: "PRAGMA integrity_check")
        }
        #expect(isWhole == "ok")
        try store.close()
    }
}
