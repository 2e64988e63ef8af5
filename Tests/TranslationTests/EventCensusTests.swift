import JSON
import Support
import Testing

@testable import Translation

@Suite("Census of events")
struct EventCensusTests {
    struct Row: CustomStringConvertible {
        let line: Int
        let source: Form
        let name: String
        let before: String
        let event: String
        let meaning: String

        var description: String { "\(line) \(source) \(name)" }
    }

    private static let lines: [(number: Int, columns: [String])] = {
        let text = Repository.text("Tests/TranslationTests/events.txt")
        return text.split(separator: "\n").enumerated().compactMap { number, line in
            guard line.first != "#" else { return nil }
            return (number + 1, line.split(separator: " | ").map(String.init))
        }
    }()

    static let rows: [Row] = lines.compactMap { number, columns in
        guard columns.count != 2 else { return nil }
        guard columns.count == 5, let source = Form(rawValue: columns[0]) else {
            fatalError("events.txt:\(number)")
        }
        return Row(
            line: number, source: source, name: columns[1], before: columns[2],
            event: columns[3], meaning: columns[4])
    }

    @Test("each event means what the table has", arguments: rows)
    func meanings(_ row: Row) throws {
        var reader = AnswerReader(AnswerContext(from: row.source, to: row.source))
        var events: [AnswerEvent] = []
        for event in try RawJSON(parsing: Array(row.before.utf8)).elements {
            reader.take(event, &events)
        }
        events = []
        reader.take(try RawJSON(parsing: Array(row.event.utf8)), &events)
        let words = events.map(Self.word).joined(separator: " ")
        #expect((words.isEmpty ? "nothing" : words) == row.meaning)
    }

    @Test("no event and no member of a dialect's stream is in no line")
    func complete() throws {
        for (number, columns) in Self.lines where columns.count == 2 {
            let form = try #require(Form(rawValue: String(columns[0].dropFirst(2))))
            let known = Set(Self.rows.filter { $0.source == form }.map(\.name))
            let names = columns[1].split(separator: " ")
            #expect(names.count > 10, "line \(number)")
            for name in names {
                let isKnown = known.contains { $0 == name || $0.hasPrefix("\(name).") }
                #expect(isKnown, "\(name)")
            }
        }
    }

    private static func word(_ event: AnswerEvent) -> String {
        switch event {
        case .started: "started"
        case .counted: "counted"
        case .opened: "opened"
        case .text: "text"
        case .odds: "odds"
        case .pieceEnded: "pieceEnded"
        case .arguments: "arguments"
        case .sealed: "sealed"
        case .citation: "citation"
        case .closed: "closed"
        case .finished: "finished"
        case .failed: "failed"
        case .alive: "alive"
        case .lost: "lost"
        }
    }
}
