import Glibc
import JSON
import LogStore
import Primitives
import Testing

@testable import Sinks

@Suite("JSON Lines")
struct LinesSinkTests {
    private static func lines(_ path: String) throws -> [String] {
        guard let file = unsafe fopen(path, "r") else { return [] }
        defer { unsafe fclose(file) }
        var text = ""
        var piece = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = unsafe fread(&piece, 1, piece.count, file)
            if count == 0 { break }
            text += String(decoding: piece.prefix(count), as: UTF8.self)
        }
        return text.split(separator: "\n").map(String.init)
    }

    @Test("hold a record each, in files that are begun anew when they are full")
    func rotation() throws {
        let scratch = try SinkScratch()
        try scratch.fill(1...40)
        let path = "\(scratch.path)/out.jsonl"
        var sink = LinesSink(path: path, rotateBytes: 2000, rotateKeep: 3, withBodies: false)
        for record in try scratch.stored() {
            let delivery = sink.deliver([record])
            #expect(delivery == .delivered)
        }
        let files = try ["", ".1", ".2", ".3"].map { try Self.lines(path + $0) }
        #expect(files.allSatisfy { !$0.isEmpty })
        #expect(unsafe access("\(path).4", F_OK) != 0)
        let kept = files.reversed().flatMap { $0 }
        let models = try kept.map { try JSONValue(parsing: $0)["model"]?.text }
        #expect(models == (40 - kept.count + 1...40).map { "m-\($0)" })
        // Moved away by another process, it is made anew.
        unsafe rename(path, "\(path).moved")
        let last = sink.deliver(Array(try scratch.stored().prefix(1)))
        #expect(last == .delivered)
        #expect(try Self.lines(path).count == 1)
    }

    @Test("of a full disk leave no half a line behind")
    func full() throws {
        let scratch = try SinkScratch()
        try scratch.fill(1...2)
        var sink = LinesSink(
            path: "/dev/full", rotateBytes: 0, rotateKeep: 1, withBodies: false)
        let delivery = sink.deliver(try scratch.stored())
        guard case .later(let reason, _) = delivery else {
            Issue.record("\(delivery)")
            return
        }
        #expect(reason.contains("/dev/full"))
        var nowhere = LinesSink(
            path: "/nowhere/x", rotateBytes: 0, rotateKeep: 1, withBodies: false)
        let missing = nowhere.deliver(try scratch.stored())
        #expect(missing != .delivered)
    }
}
