import ExchangeCore
import HTTP
import Primitives
import Telemetry

// What a browser is told about pages of other origins that may call: only for origins of
// `[server] origins`, in place of whatever a vendor says, and on answers of the gateway's own, too.
extension Connection {
    /// Answers a browser that asks whether a page may send a request.
    func respondToPreflight() {
        exchange.answeredHere()
        worker.buffers.lend(to: &output)
        output.append("HTTP/1.1 204 No Content\r\n")
        writeConnectionField()
        writeCORS()
        output.append("access-control-allow-methods: GET, POST, PUT, PATCH, DELETE, OPTIONS\r\n")
        parser.withHead { head in
            for field in head.fields {
                let name = head.name(of: field)
                if name.matchesIgnoringCase("access-control-request-headers") {
                    output.append("access-control-allow-headers: ")
                    output.append(head.value(of: field))
                    output.append("\r\n")
                } else if name.matchesIgnoringCase("access-control-request-private-network") {
                    output.append("access-control-allow-private-network: true\r\n")
                }
            }
        }
        output.append("access-control-max-age: 600\r\n\r\n")
        isResponseComplete = true
        requestFlush()
    }

    /// Writes the fields that let the page read the response.
    func writeCORS() {
        parser.withHead { head in
            output.append("access-control-allow-origin: ")
            output.append(head.value(of: .origin))
        }
        output.append("\r\nvary: Origin\r\naccess-control-expose-headers: *\r\n")
    }
}
