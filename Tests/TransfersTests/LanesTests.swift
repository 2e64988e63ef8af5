import Cryptography
import ExchangeCore
import HTTP
import Primitives
import Reactor
import Testing

@testable import Transfers

@Suite("Lanes")
struct LanesTests {
    private static func vendor(_ driver: LanesDriver) throws -> LoopVendor {
        let vendor = try LoopVendor(driver.loop)
        // Some requests are never answered.
        vendor.answer = { $0.contains(" /rest ") ? nil : LoopVendor.ok }
        return vendor
    }

    @Test("fill at 64 transfers each, and the least busy one with room takes the next")
    func filling() throws {
        let driver = try LanesDriver()
        let vendor = try Self.vendor(driver)
        let endpoint = try Endpoint.test(port: vendor.port)
        var transfers = try (0..<(2 * Lane.transfersMax + 1)).map { _ in
            try driver.start(endpoint, "/rest")
        }
        let lanes = driver.lanes.lanes
        #expect(lanes.map(\.activeCount) == [64, 64, 1])
        for (index, transfer) in transfers.enumerated() {
            #expect(transfer.lane === lanes[index / 64])
        }
        // A slot that is given up is found: the first lane has it, the third is less busy.
        driver.lanes.cancel(transfers.removeFirst())
        #expect(lanes[0].activeCount == 63)
        let next = try driver.start(endpoint, "/rest")
        #expect(next.lane === lanes[2])
        #expect(driver.lanes.activeCount == 129)
        for transfer in transfers + [next] { driver.lanes.cancel(transfer) }
        #expect(lanes.allSatisfy { $0.activeCount == 0 } && driver.lanes.activeCount == 0)
        vendor.close()
        driver.lanes.close(endpoints: [endpoint])
    }

    @Test("a lane with an idle connection comes first, though another is less busy")
    func idleFirst() throws {
        let driver = try LanesDriver()
        let vendor = try Self.vendor(driver)
        let endpoint = try Endpoint.test(port: vendor.port)
        var transfers = try (0..<63).map { _ in try driver.start(endpoint, "/rest") }
        let last = try driver.start(endpoint)
        let busy = try #require(last.lane)
        transfers.append(try driver.start(endpoint, "/rest"))
        let other = try #require(transfers.last?.lane)
        try #require(busy !== other)
        try driver.run { driver.results.count == 1 && vendor.requests.count == 65 }
        #expect(busy.activeCount == 63 && busy.idleCount(for: endpoint) == 1)
        #expect(other.activeCount == 1 && other.idleCount(for: endpoint) == 0)
        // Of another endpoint no connection is there: the least busy lane takes it.
        let elsewhere = try Endpoint.test(port: vendor.port, index: 1)
        for (asked, isFresh, expected) in [
            (endpoint, false, busy), (elsewhere, false, other), (endpoint, true, busy),
        ] {
            let transfer = try driver.start(asked, "/rest", isFresh: isFresh)
            #expect(transfer.lane === expected)
            driver.lanes.cancel(transfer)
        }
        for transfer in transfers { driver.lanes.cancel(transfer) }
        vendor.close()
        driver.lanes.close(endpoints: [endpoint, elsewhere])
    }

    @Test("are due once however often they are marked")
    func due() throws {
        let driver = try LanesDriver()
        let lane = try #require(Lane(lanes: driver.lanes))
        #expect(!driver.lanes.hasDueLanes)
        driver.lanes.markDue(lane)
        driver.lanes.markDue(lane)
        #expect(driver.lanes.hasDueLanes && lane.isDue)
        #expect(driver.lanes.dueLanes.count == 1)
        driver.lanes.runDueLanes()
        #expect(!driver.lanes.hasDueLanes && !lane.isDue)
        lane.close()
        driver.lanes.close(endpoints: [])
    }

    /// How far a request has come when it is cancelled.
    enum Phase: CaseIterable {
        case notBegun, connecting, waiting, head, body, receivingPaused, sendingPaused
    }

    @Test(
        "cancel in every phase at once, silently, and the next request is served",
        arguments: Phase.allCases)
    func cancel(_ phase: Phase) throws {
        let driver = try LanesDriver()
        let vendor = try LoopVendor(driver.loop, isDeaf: phase == .connecting)
        vendor.answer = { _ in
            phase == .head
                ? "HTTP/1.1 200 OK\r\nContent-Le"
                : phase == .waiting ? nil : "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"
        }
        let endpoint = try Endpoint.test(port: vendor.port)
        driver.upload = { .notYet }
        if phase == .receivingPaused {
            driver.bodyCame = { driver.lanes.pauseReceiving($0) }
        }
        let transfer =
            phase == .sendingPaused
            ? try driver.start(endpoint, method: .post, body: .stream(length: 9))
            : try driver.start(endpoint)
        switch phase {
        case .notBegun: break
        case .connecting: try driver.run { transfer.connecting.isEmpty == false }
        case .waiting: try driver.run { vendor.requests.count == 1 }
        case .head: try driver.run { transfer.head.status == 200 }
        case .body: try driver.run { driver.received == 4 }
        case .receivingPaused: try driver.run { transfer.isReceivingPaused }
        case .sendingPaused: try driver.run { transfer.isSendingPaused }
        }
        driver.lanes.cancel(transfer)
        #expect(driver.lanes.activeCount == 0 && transfer.lane == nil)
        #expect(driver.lanes.lanes.allSatisfy { $0.activeCount == 0 && $0.openCount == 0 })
        #expect(driver.lanes.sockets.allSatisfy { $0.pool == nil })
        // A second one finds nothing to do.
        driver.lanes.cancel(transfer)
        if phase != .connecting {
            try driver.run { vendor.endedCount == vendor.accepted.count }
            vendor.answer = { _ in LoopVendor.ok }
            driver.bodyCame = { _ in }
            let before = vendor.accepted.count
            #expect(try driver.exchange(endpoint).code == .ok)
            #expect(vendor.accepted.count == before + 1)
            #expect(driver.results.count == 1, "a transfer that was cancelled was reported")
        }
        vendor.close()
        driver.lanes.close(endpoints: [endpoint])
    }

    @Test("a transfer whose end is not noticed yet can be cancelled, and leaves its connection")
    func cancelledAtItsEnd() throws {
        let driver = try LanesDriver()
        let vendor = try LoopVendor(driver.loop)
        let endpoint = try Endpoint.test(port: vendor.port)
        let second = try driver.start(endpoint)
        let first = try driver.start(endpoint)
        // Whichever ends first takes the other with it, from inside the report of its end.
        driver.transferIsOver = { driver.lanes.cancel($0 === first ? second : first) }
        try driver.run { !driver.results.isEmpty && !driver.lanes.hasDueLanes }
        #expect(driver.results.map(\.code) == [.ok] && driver.lanes.activeCount == 0)
        driver.transferIsOver = { _ in }
        #expect(try driver.exchange(endpoint).code == .ok)
        vendor.close()
        driver.lanes.close(endpoints: [endpoint])
    }

    @Test("a request that starts where another's end is reported is served, on its connection")
    func startedAtAnEnd() throws {
        let driver = try LanesDriver()
        let vendor = try LoopVendor(driver.loop)
        let endpoint = try Endpoint.test(port: vendor.port)
        var left = 5
        driver.transferIsOver = { _ in
            left -= 1
            if left > 0, (try? driver.start(endpoint)) == nil { left = -1 }
        }
        try driver.start(endpoint)
        try driver.run { left <= 0 }
        #expect(left == 0 && driver.results.count == 5)
        #expect(driver.results.allSatisfy { $0.code == .ok })
        #expect(vendor.accepted.count == 1 && driver.lanes.lanes.count == 1)
        vendor.close()
        driver.lanes.close(endpoints: [endpoint])
    }

    @Test("a transfer that a callback ends is reported once, and its connection is closed")
    func endedInCallbacks() throws {
        for isUpload in [false, true] {
            let driver = try LanesDriver()
            let vendor = try LoopVendor(driver.loop)
            vendor.answer = { _ in "HTTP/1.1 200 OK\r\nName : x\r\nContent-Length: 2\r\n\r\nok" }
            let endpoint = try Endpoint.test(port: vendor.port)
            driver.upload = { .abort }
            let result =
                isUpload
                ? try driver.exchange(endpoint, method: .post, body: .stream(length: 9))
                : try driver.exchange(endpoint)
            #expect(result.code == (isUpload ? .abortedByCallback : .writeError))
            #expect(driver.results.count == 1 && driver.lanes.activeCount == 0)
            try driver.run { vendor.endedCount == 1 }
            #expect(driver.lanes.lanes[0].openCount == 0)
            vendor.close()
            driver.lanes.close(endpoints: [endpoint])
        }
    }

    @Test("a response that is held back comes whole once it may go on")
    func pause() throws {
        let driver = try LanesDriver()
        let vendor = try LoopVendor(driver.loop)
        let endpoint = try Endpoint.test(port: vendor.port)
        driver.headCame = { driver.lanes.pauseReceiving($0) }
        let transfer = try driver.start(endpoint)
        try driver.run { transfer.isReceivingPaused && !driver.lanes.hasDueLanes }
        #expect(driver.received == 0 && driver.results.isEmpty)
        driver.lanes.resumeReceiving(transfer)
        try driver.run { !driver.results.isEmpty }
        #expect(driver.received == 2 && driver.results[0].code == .ok)
        vendor.close()
        driver.lanes.close(endpoints: [endpoint])
    }

    @Test("a lane that rests long is closed with its connections, and a busy one is not")
    func sweeping() throws {
        let driver = try LanesDriver()
        let vendor = try Self.vendor(driver)
        let endpoint = try Endpoint.test(port: vendor.port)
        #expect(try driver.exchange(endpoint).code == .ok)
        weak let lane = driver.lanes.lanes.first
        driver.lanes.sweep(at: driver.loop.now + .seconds(59))
        #expect(lane != nil && driver.lanes.lanes.count == 1)
        let busy = try driver.start(endpoint, "/rest")
        try driver.run { vendor.requests.count == 2 }
        driver.lanes.sweep(at: driver.loop.now + .seconds(3600))
        #expect(driver.lanes.lanes.count == 1)
        driver.lanes.cancel(busy)
        driver.lanes.runDueLanes()
        driver.lanes.sweep(at: driver.loop.now + .seconds(61))
        #expect(driver.lanes.lanes.isEmpty && lane == nil)
        try driver.run { vendor.endedCount == vendor.accepted.count }
        #expect(try driver.exchange(endpoint).code == .ok)
        vendor.close()
        driver.lanes.close(endpoints: [endpoint])
    }

    @Test("endpoints with the same authorities replace others and keep their connections")
    func replacedAlike() throws {
        let driver = try LanesDriver()
        let vendor = try Self.vendor(driver)
        let first = try Endpoint.test(port: vendor.port)
        #expect(try driver.exchange(first).code == .ok)
        let second = try Endpoint.test(port: vendor.port)
        driver.lanes.replace([first], by: [second])
        #expect(first.isRetired && !second.isRetired)
        #expect(try driver.exchange(second).code == .ok)
        #expect(vendor.accepted.count == 1)
        // A late attempt to the first goes on a connection of its own, and leaves none.
        #expect(try driver.exchange(first).code == .ok)
        #expect(vendor.accepted.count == 2)
        try driver.run { vendor.endedCount == 1 }
        #expect(driver.lanes.lanes[0].idleCount(for: second) == 1)
        vendor.close()
        driver.lanes.close(endpoints: [first, second])
    }

    @Test("with other authorities no connection is used again, and a lane closes when it is empty")
    func replacedWithOtherTrust() throws {
        let driver = try LanesDriver()
        let vendor = try Self.vendor(driver)
        let trusts = try (0..<2).map { _ in try TrustStore(file: "") }
        let first = try Endpoint.test(port: vendor.port, trust: trusts[0])
        let second = try Endpoint.test(port: vendor.port, trust: trusts[1])
        let running = try driver.start(first, "/rest")
        #expect(try driver.exchange(first).code == .ok)
        weak let lane = running.lane
        try driver.run { vendor.requests.count == 2 }
        driver.lanes.replace([first], by: [second])
        #expect(driver.lanes.lanes.isEmpty && lane != nil)
        // The connection at rest ends at once; what is in flight goes on to its end.
        try driver.run { vendor.endedCount == 1 }
        #expect(try driver.exchange(second).code == .ok)
        #expect(vendor.accepted.count == 3)
        let index = try #require(vendor.requests.firstIndex { $0.contains(" /rest ") })
        vendor.send(LoopVendor.ok, on: vendor.accepted[index])
        try driver.run { driver.results.count == 3 && vendor.endedCount == 2 }
        #expect(driver.results[2].code == .ok)
        try driver.run { lane == nil }
        vendor.close()
        driver.lanes.close(endpoints: [first, second])
    }
}
