import ExchangeCore
import Primitives

// Which addresses of a name took a connection, and which did not.
extension Transfer {
    /// An address that libcurl has tried to connect to for a transfer.
    struct TriedAddress {
        let descriptor: Int32
        let text: String

        var isIPv6: Bool { text.contains(":") }
    }

    /// The request is about to go out on a connection: those of its family that were tried before
    /// it took none, as libcurl goes on to the next when one fails.
    ///
    /// Of the other family nothing is known: it may have been the slower one.
    func reportConnected(_ descriptor: Int32, now: Instant) {
        guard !triedAddresses.isEmpty else { return }
        if let winner = triedAddresses.last(where: { $0.descriptor == descriptor }) {
            let failed = triedAddresses.prefix { $0.text != winner.text }
                .filter { $0.isIPv6 == winner.isIPv6 }
            endpoint.addresses?.tried(
                failed: failed.map(\.text), connected: winner.text, now: now)
        }
        triedAddresses.removeAll()
    }

    /// The transfer is over without a connection.
    func reportNotConnected(_ code: CurlCode, now: Instant) {
        guard !triedAddresses.isEmpty, sendings == 0 else { return }
        if code == .couldNotConnect || code == .operationTimedOut {
            endpoint.addresses?.tried(
                failed: triedAddresses.map(\.text), connected: nil, now: now)
        }
        triedAddresses.removeAll()
    }
}
