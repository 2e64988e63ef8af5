import Primitives
import Testing

@testable import Cryptography

@Suite("TLS: keys of tickets")
struct TicketKeysTests {
    private static func at(_ hours: Int64) -> Instant {
        Instant(nanoseconds: 1) + .seconds(3600 * hours)
    }

    @Test("seal for twelve hours, and open for as long as two more would seal")
    func rotation() throws {
        let keys = TicketKeys()
        let first = try #require(keys.sealing(now: Self.at(0)))
        #expect(try #require(keys.sealing(now: Self.at(11))).name == first.name)
        let second = try #require(keys.sealing(now: Self.at(12)))
        #expect(second.name != first.name && second.cipher != first.cipher)
        #expect(keys.opening(first.name, now: Self.at(13))?.isSealing == false)
        #expect(keys.opening(second.name, now: Self.at(13))?.isSealing == true)
        #expect(keys.opening(first.name, now: Self.at(36)) == nil)
        #expect(keys.opening([UInt8](repeating: 0, count: 16), now: Self.at(13)) == nil)
    }

    @Test("are kept in no larger number than three")
    func bound() throws {
        let keys = TicketKeys()
        let first = try #require(keys.sealing(now: Self.at(0)))
        for time in [12, 24] as [Int64] { _ = keys.sealing(now: Self.at(time)) }
        #expect(keys.opening(first.name, now: Self.at(25)) != nil)
        _ = keys.sealing(now: Self.at(36))
        #expect(keys.opening(first.name, now: Self.at(25)) == nil)
    }
}
