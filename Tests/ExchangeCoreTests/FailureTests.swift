import ExchangeCore
import Testing

@Suite("Failures")
struct FailureTests {
    @Test("say what happened, whose fault it is, whether to retry, and libcurl's name")
    func words() {
        let cases: [(CurlCode, Int, Failure.Fault, mayHelp: Bool)] = [
            (.couldNotConnect, 502, .network, true), (.couldNotResolveHost, 502, .network, true),
            (.operationTimedOut, 504, .network, true), (.sslConnectError, 502, .vendor, true),
            // A certificate stays what it is.
            (.peerFailedVerification, 502, .vendor, false),
            (CurlCode(rawValue: 1), 502, .vendor, true),
            (CurlCode(rawValue: 77), 502, .vendor, false),
            (.gotNothing, 502, .vendor, true), (.receiveError, 502, .vendor, true),
            (.outOfMemory, 503, .gateway, true), (.ok, 502, .vendor, true),
        ]
        for (code, status, fault, mayHelp) in cases {
            let result = TransferResult(
                code: code, wasSent: true, sawResponse: false, wasStale: false, detail: "why"
            )
            let failure = Failure.transfer(result, vendor: "acme")
            #expect(failure.status == status)
            #expect(failure.fault == fault)
            let advice = mayHelp ? "retrying may help" : "retrying will not help"
            #expect(failure.message.contains("(fault: \(fault.rawValue); \(advice))"))
            #expect(failure.isWorthRetrying == mayHelp)
            if fault != .gateway { #expect(failure.message.contains("acme")) }
            #expect(failure.message.contains(code.name) && failure.message.contains("why"))
        }
        #expect(
            Failure.noAnswer(vendor: "acme", "a page").message.contains("acme answered with a page")
        )
        #expect(!Failure.unfitHead(vendor: "acme", "two lengths").isWorthRetrying)
        let refused = Failure.refused(413, "request_too_large", "too large")
        #expect(refused.message.contains("fault: client; retrying will not help"))
    }
}
