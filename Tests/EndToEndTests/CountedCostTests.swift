import Support
import Testing

@Suite("Counted costs")
struct CountedCostTests {
    @Test("a relayed chunk takes nothing from the heap, and no system call too many")
    func perChunk() throws {
        let counted = try CountedGateway()
        let costs = CountedCosts(
            allocations: try counted.allocationsPerChunk(),
            systemCalls: try CountedGateway(isStepped: true).systemCallsPerChunk())
        #expect(costs.excesses(over: try CountedCosts.threshold("chunk")) == [])
        // The floor: one wait, one read, libcurl's look whether there is more, one write.
        #expect(costs.systemCalls ?? 0 >= 3.5)
    }

    @Test("a frame of a tunnel takes a bounded number of both")
    func perFrame() throws {
        let vendor = try FrameVendor.start()
        defer { vendor.stop() }
        let costs = try CountedGateway(vendorPort: vendor.port).costsPerFrame()
        // To read a frame and to send it, waited for; and libcurl's look whether there is more.
        #expect(costs.excesses(over: try CountedCosts.threshold("frame")) == [])
        #expect(costs.systemCalls ?? 0 >= 3.4)
    }

    @Test("a plain call takes a bounded number of both, and leaves no memory behind")
    func perCall() throws {
        let counted = try CountedGateway()
        // As many as are counted afterwards: the store's caches grow to their bounds meanwhile.
        _ = try counted.allocationsPerCall(4000)
        let memory = counted.gateway.process.anonymousBytes
        let costs = CountedCosts(
            allocations: try counted.allocationsPerCall(10_000),
            systemCalls: try counted.systemCallsPerCall())
        // Nearly all allocations are libcurl's own; see docs/performance.md.
        #expect(costs.excesses(over: try CountedCosts.threshold("call")) == [])
        // Under a kilobyte a call. Records that wait on a busy machine, and a segment that is
        // packed, take some too, and give it back.
        #expect(
            Patience.await(everyMilliseconds: 50) {
                counted.gateway.process.anonymousBytes - memory < 9 << 20
            })
    }

    @Test("instructions stay within what is committed, and no chunk counts a reference")
    func instructions() throws {
        let most = try CountedCosts.threshold("call")
        var (call, chunk) = (CountedCosts(), CountedCosts())
        // The layout of a process in memory changes a call by some hundreds of instructions, so
        // another process is counted before this is called too many.
        for _ in 0..<3 {
            let counted = try CallgrindGateway()
            call = try counted.perCall()
            chunk = try counted.perChunk()
            if call.excesses(over: most).isEmpty { break }
        }
        // A count of now, to lower a threshold by.
        let counts =
            "\(call.instructions ?? 0) a call, \(chunk.instructions ?? 0) a chunk, "
            + "\(chunk.references ?? 0) of them for references"
        #expect(call.excesses(over: most) == [], "\(counts)")
        #expect(chunk.excesses(over: try CountedCosts.threshold("chunk")) == [], "\(counts)")
        // A count that counts nothing would pass for ever.
        #expect(call.instructions ?? 0 > 50_000 && chunk.instructions ?? 0 > 500)
        #expect(call.references ?? 0 > 1000)
    }

    @Test("an allocation or a system call more for each chunk is caught")
    func regression() throws {
        let threshold = try CountedCosts.threshold("chunk")
        let allocating = CountedCosts(
            allocations: try CountedGateway(worse: "allocation").allocationsPerChunk(500))
        #expect(allocating.excesses(over: threshold).first?.hasPrefix("allocations") == true)
        // One with each send; on a busy machine some sends carry two chunks.
        #expect(allocating.allocations ?? 0 > 0.5)
        let calling = CountedCosts(
            systemCalls: try CountedGateway(worse: "call", isStepped: true).systemCallsPerChunk())
        #expect(calling.excesses(over: threshold).first?.hasPrefix("system calls") == true)
    }
}
