import Glibc
import Support
import Testing

@Suite("Allocations")
struct AllocationTests {
    @Test("a relayed chunk takes nothing from the heap")
    func perChunk() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("\0\0\0\0\0\0\0\0", to: "count")
        let counter = try Counter(file)
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(
            vendor: vendor.port, server: "workers = 1",
            environment: [
                "LD_PRELOAD": "\(Binaries.release)/libAllocationCounter.so",
                "ALLOCATION_COUNTER": file,
            ]
        )
        let body = "{\"model\":\"gpt-4o\",\"stream\":true,\"messages\":[]}"
        let request =
            "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n"
            + "Content-Length: \(body.utf8.count)\r\n"
            + "X-Mock-Chunks: 4000\r\nX-Mock-Delay: 1\r\n\r\n\(body)"
        let client = try RawConnection(port: gateway.port)
        try client.send(request)
        func skip(_ bytes: Int) throws {
            var count = 0
            while count < bytes {
                guard try client.receiveMore("chunks") else {
                    throw RawConnection.Failure.broken("the stream ended early")
                }
                count += try client.take(client.received.count).count
            }
        }
        // An event is some 215 bytes, framing included.
        try skip(500 * 215)
        let before = counter.value
        // The counter works: starting has allocated.
        #expect(before > 100)
        try skip(2500 * 215)
        let made = counter.value - before
        #expect(made == 0, "\(made) allocations in some 2500 chunks")
    }

    @Test("a plain call takes a bounded number, and leaves none behind")
    func perRequest() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("\0\0\0\0\0\0\0\0", to: "count")
        let counter = try Counter(file)
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(
            vendor: vendor.port, server: "workers = 1",
            environment: [
                "LD_PRELOAD": "\(Binaries.release)/libAllocationCounter.so",
                "ALLOCATION_COUNTER": file,
            ]
        )
        let body = "{\"model\":\"gpt-4o\",\"messages\":[]}"
        let request =
            "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n"
            + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        let client = try RawConnection(port: gateway.port)
        for _ in 0..<50 { #expect(try client.exchange(request).status == 200) }
        let before = counter.value
        let memory = gateway.process.residentBytes
        for _ in 0..<2000 { #expect(try client.exchange(request).status == 200) }
        let perCall = Double(counter.value - before) / 2000
        // Nearly all of them are libcurl's own; see docs/performance.md.
        #expect(perCall <= 40, "\(perCall) allocations a call")
        #expect(gateway.process.residentBytes - memory < 1 << 20)
    }

    /// The counter in a file that the counting library maps.
    @safe
    private final class Counter {
        private let page: UnsafeMutableRawPointer

        init(_ path: String) throws {
            let descriptor = unsafe open(path, O_RDWR | O_CREAT, 0o600)
            guard descriptor >= 0, ftruncate(descriptor, 8) == 0,
                let page = unsafe mmap(nil, 8, PROT_READ, MAP_SHARED, descriptor, 0)
            else { throw RawConnection.Failure.broken("the counter's file") }
            Glibc.close(descriptor)
            unsafe self.page = unsafe page
        }

        deinit { unsafe munmap(page, 8) }

        var value: Int { unsafe page.load(as: Int.self) }
    }
}
