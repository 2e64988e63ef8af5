import ExchangeCore
import Testing

@Suite("Failures")
struct FailureTests {
    @Test("say what happened, whose fault it is, whether to retry, and libcurl's name")
    func words() {
        let cases: [(CurlCode, Int, Failure.Fault)] = [
            (.couldNotConnect, 502, .network), (.couldNotResolveHost, 502, .network),
            (.operationTimedOut, 504, .network), (.sslConnectError, 502, .vendor),
            (.peerFailedVerification, 502, .vendor), (.gotNothing, 502, .vendor),
            (.receiveError, 502, .vendor), (.outOfMemory, 503, .gateway), (.ok, 502, .vendor),
        ]
        for (code, status, fault) in cases {
            let result = TransferResult(
                code: code, wasSent: true, sawResponse: false, wasStale: false, detail: "why"
            )
            let failure = Failure.transfer(result, vendor: "acme")
            #expect(failure.status == status)
            #expect(failure.fault == fault)
            #expect(failure.message.contains("(fault: \(fault.rawValue); retrying may help)"))
            if fault != .gateway { #expect(failure.message.contains("acme")) }
            #expect(failure.message.contains(code.name) && failure.message.contains("why"))
        }
        #expect(
            Failure.noAnswer(vendor: "acme", "a page").message.contains("acme answered with a page")
        )
        let refused = Failure.refused(413, "request_too_large", "too large")
        #expect(refused.message.contains("fault: client; retrying will not help"))
    }
}
