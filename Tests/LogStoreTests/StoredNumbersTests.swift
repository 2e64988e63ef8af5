import Dialects
import ExchangeCore
import Testing

@testable import Journal
@testable import LogStore

/// Numbers and words that stand in journals and stores: another version reads them.
@Suite("Numbers on disks")
struct StoredNumbersTests {
    @Test("kinds of frames keep theirs")
    func frames() {
        let numbers: [FrameKind: UInt8] = [
            .begin: 1, .requestBody: 2, .attemptBegan: 3, .attemptFailed: 4, .responseHead: 5,
            .chunk: 6, .settlement: 7, .delivery: 8, .requestBodyAside: 9, .chunkAside: 10,
            .translation: 11,
        ]
        #expect(numbers.count == FrameKind.allCases.count)
        for kind in FrameKind.allCases { #expect(kind.rawValue == numbers[kind]) }
    }

    @Test("outcomes keep theirs, and their names")
    func outcomes() {
        let words: [Int: String] = [
            0: "complete", 1: "truncated", 2: "client_cancelled", 3: "upstream_error",
            4: "timeout_connect", 5: "timeout_first_content", 6: "timeout_idle",
            7: "timeout_total", 8: "slow_client", 9: "refused",
        ]
        #expect(words.count == Outcome.allCases.count)
        for outcome in Outcome.allCases { #expect(words[outcome.rawValue] == outcome.name) }
        // Counters lie by the numbers.
        #expect(Set(Outcome.allCases.map(\.rawValue)) == Set(0..<Outcome.allCases.count))
    }

    @Test("dialects keep theirs, and their names")
    func dialects() {
        let words = [0: "openai", 1: "anthropic", 2: "gemini"]
        #expect(words.count == Dialect.allCases.count)
        for dialect in Dialect.allCases {
            #expect(words[dialect.number] == dialect.rawValue)
            #expect(Dialect(number: dialect.number) == dialect)
        }
        for number in [-1, 3, 255] { #expect(Dialect(number: number) == nil) }
    }

    @Test("what is known of tokens keeps its words")
    func usage() {
        #expect(LogStore.Record.UsageState.reported.rawValue == "reported")
        #expect(LogStore.Record.UsageState.unknown.rawValue == "unknown")
        #expect(LogStore.Record.interrupted == "interrupted")
    }

    @Test("tiers of service keep their words")
    func tiers() {
        let words: [ServiceTier: String] = [
            .standard: "standard", .flex: "flex", .priority: "priority", .batch: "batch",
            .fast: "fast", .ultrafast: "ultrafast", .provisioned: "provisioned",
        ]
        #expect(words.count == ServiceTier.allCases.count)
        for tier in ServiceTier.allCases { #expect(tier.rawValue == words[tier]) }
    }

    @Test("words of a journal's head stay where they are")
    func head() {
        let words: [(JournalFile.Word, Int)] = [
            (.magic, 0), (.version, 8), (.capacity, 16), (.nameHigh, 24), (.nameLow, 32),
            (.writeCursor, 128), (.emitted, 136), (.dropped, 144), (.droppedFrames, 152),
            (.droppedBytes, 160), (.revision, 168), (.readCursor, 256),
        ]
        for (word, offset) in words { #expect(word.rawValue == offset) }
        #expect(FrameHeader.bytes == 32 && FrameHeader.mark == 0x57E1)
        #expect(JournalFile.headBytes == 65_536)
    }
}
