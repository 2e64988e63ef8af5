import Glibc
import Support

/// A vendor whose stream goes on by one chunk whenever a test says so: each chunk comes alone,
/// however busy the machine is.
final class SteppedVendor: Sendable {
    private let vendor: ByteVendor
    private let steps: Int32

    var port: Int { vendor.port }

    init() throws {
        var ends: [Int32] = [0, 0]
        guard unsafe pipe(&ends) == 0 else { throw RawConnection.Failure.broken("pipe") }
        let (source, steps) = (ends[0], ends[1])
        self.steps = steps
        vendor = try ByteVendor { connection, _ in
            defer { close(source) }
            _ = try connection.request()
            try connection.send(
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                    + "Transfer-Encoding: chunked\r\n\r\n")
            let event = "data: {\"choices\":[{\"delta\":{\"content\":\"word \"}}]}\n\n"
            let chunk = "\(String(event.utf8.count, radix: 16))\r\n\(event)\r\n"
            var step: UInt8 = 0
            while unsafe read(source, &step, 1) == 1 { try connection.send(chunk) }
        }
    }

    deinit {
        close(steps)
        vendor.stop()
    }

    /// Has one more chunk sent.
    func step() throws {
        var step: UInt8 = 1
        guard unsafe write(steps, &step, 1) == 1 else {
            throw RawConnection.Failure.broken("no step")
        }
    }
}
