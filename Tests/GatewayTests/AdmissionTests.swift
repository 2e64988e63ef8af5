import ExchangeCore
import Support
import Testing
import Transfers

@testable import Gateway

@Suite("Admission")
struct AdmissionTests {
    @Test("as many connections as descriptors allow, and one at least")
    func descriptors() {
        for (wanted, descriptors, workers, expected) in [
            (20_000, 1 << 20, 8, 20_000), (20_000, 1024, 1, 395), (20_000, 1024, 4, 279),
            (10, 1024, 1, 10), (20_000, 64, 1, 15), (20_000, 3, 1, 1), (1, 0, 64, 1),
            (.max, .max, 1, 4_471_937_957_262_921_502),
        ] {
            #expect(
                Admission.connectionsMax(wanted, descriptors: descriptors, workers: workers)
                    == expected)
        }
    }

    @Test("a connection that could not be made for lack of descriptors is the gateway's failure")
    func starved() {
        let starved = TransferResult(
            code: .couldNotConnect, wasSent: false, sawResponse: false, wasStale: false,
            isStarved: true, detail: "Couldn't connect")
        let failure = Failure.transfer(starved, vendor: "v")
        #expect(failure.status == 503 && failure.code == "gateway_exhausted")
        #expect(failure.fault == .gateway && failure.isWorthRetrying)
        let refused = TransferResult(notStarted: .couldNotConnect, detail: "refused")
        #expect(Failure.transfer(refused, vendor: "v").fault == .network)
    }

    @Test(
        "a vendor's transfer coding other than chunked is 502",
        arguments: [
            "gzip, chunked", "identity", "chunked, chunked", "GZIP",
            "chunked\r\nTransfer-Encoding: chunked",
        ])
    func transferCoding(_ coding: String) throws {
        let vendor = try ByteVendor { connection, _ in
            _ = try connection.request()
            try connection.send(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                    + "Transfer-Encoding: \(coding)\r\n\r\n2\r\n{}\r\n0\r\n\r\n")
            try connection.awaitEnd()
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let response = try RawConnection(port: gateway.port).exchange(Request.chat())
        #expect(response.status == 502 && response.text.contains("vendor_malformed"))
    }
}
