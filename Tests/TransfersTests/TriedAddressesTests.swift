import ExchangeCore
import Testing

@testable import Transfers

@Suite("Addresses that were tried")
struct TriedAddressesTests {
    private static func tried(_ addresses: String...) -> TriedAddresses {
        var tried = TriedAddresses()
        for (index, address) in addresses.enumerated() {
            tried.add(address, descriptor: Int32(10 + index))
        }
        return tried
    }

    @Test("have failed where one of their family took the connection after them")
    func connected() {
        for (addresses, descriptor, failed, connected) in [
            (["a"], 10, [], "a"), (["a", "b"], 11, ["a"], "b"), (["a", "b"], 10, [], "a"),
            (["[::1]", "a"], 11, [], "a"), (["[::1]", "a", "[::2]"], 12, ["[::1]"], "[::2]"),
            (["a", "[::1]", "b"], 12, ["a"], "b"),
        ] as [([String], Int32, [String], String)] {
            var tried = TriedAddresses()
            for (index, address) in addresses.enumerated() {
                tried.add(address, descriptor: Int32(10 + index))
            }
            let outcome = tried.connected(on: descriptor)
            #expect(outcome == TriedAddresses.Outcome(failed: failed, connected: connected))
            let again = tried.connected(on: descriptor)
            #expect(again == nil, "told once")
        }
        var other = Self.tried("a")
        let outcome = other.connected(on: 99)
        #expect(outcome == nil)
    }

    @Test("have the number of the last socket that had it")
    func reusedNumber() {
        var tried = TriedAddresses()
        tried.add("a", descriptor: 10)
        tried.add("b", descriptor: 10)
        let outcome = tried.connected(on: 10)
        #expect(outcome == TriedAddresses.Outcome(failed: ["a"], connected: "b"))
    }

    @Test("have failed, all of them, where none took a connection")
    func notConnected() {
        for (code, failed) in [
            (CurlCode.couldNotConnect, ["a", "b"]), (.operationTimedOut, ["a", "b"]),
            (.sslConnectError, nil), (.abortedByCallback, nil), (.ok, nil),
        ] as [(CurlCode, [String]?)] {
            var tried = Self.tried("a", "b")
            let outcome = tried.notConnected(code)
            #expect(outcome == failed.map { TriedAddresses.Outcome(failed: $0) })
        }
        var none = TriedAddresses()
        let outcome = none.notConnected(.couldNotConnect)
        #expect(outcome == nil)
    }
}
