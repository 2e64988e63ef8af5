import Support
import Testing

/// What keys cost each request, counted in instructions.
@Suite("The cost of keys")
struct AccessCostTests {
    /// Instructions that two microseconds are on no machine of today.
    private static let twoMicroseconds = 6000.0

    /// So many keys in a tenth as many groups under one root, the first and the last of them real.
    private static func lines(_ count: Int) throws -> (toml: String, first: String, last: String) {
        let (first, firstLines) = try AccessCommandTests.newKey("first", ["--group", "g0"])
        let (last, lastLines) = try AccessCommandTests.newKey("last", ["--group", "g1"])
        var toml = "[groups.root]\nrequests = \"1G/1h\"\n\(firstLines)\n"
        for group in 0..<max(2, count / 10) {
            toml += "[groups.g\(group)]\nparent = \"root\"\nrequests = \"1G/1h\"\n"
            toml += "concurrent = 1000\n"
        }
        for key in 0..<max(0, count - 2) {
            let digits = String(key, radix: 16)
            let digest = String(repeating: "0", count: 64 - digits.count) + digits
            toml += "[keys.k\(key)]\ndigest = \"sha256:\(digest)\"\n"
            toml += "group = \"g\(key % max(2, count / 10))\"\n"
        }
        return (toml + lastLines + "\n", first, last)
    }

    private static func instructions(_ count: Int) throws -> (one: Double, alternating: Double) {
        let (toml, first, last) = try lines(count)
        let gateway = try CallgrindGateway(toml)
        let fields = [first, last].map { "x-weir-key: \($0)\r\n" }
        return (
            try gateway.perCall(fields: [fields[0]]).instructions ?? 0,
            try gateway.perCall(fields: fields).instructions ?? 0
        )
    }

    @Test("10,000 keys in 1,000 groups cost a request no more than two do, and under 2 µs in all")
    func manyKeys() throws {
        let none = try CallgrindGateway().perCall().instructions ?? 0
        let few = try Self.instructions(2)
        let many = try Self.instructions(10_000)
        let counts =
            "none \(none), two \(few.one) and \(few.alternating), 10,000 \(many.one) and "
            + "\(many.alternating)"
        print("instructions a call: \(counts)")
        #expect(many.one - none < Self.twoMicroseconds, "\(counts)")
        // Whichever key comes: the layout of a process in memory makes some hundreds of difference.
        #expect(many.one - few.one < 1000 && many.alternating - few.alternating < 1000, "\(counts)")
    }
}
