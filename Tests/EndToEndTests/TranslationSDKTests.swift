import Support
import Testing

@Suite("Official SDKs through a chain into another dialect")
struct TranslationSDKTests {
    /// Runs a script with the gateway's path; its last line must say that nothing is wrong.
    private static func run(_ script: String, _ arguments: [String] = [], says end: String) throws {
        let python = try SDKTests.python()
        let path = "\(Repository.root)/Tests/EndToEndTests/SDK/crossing/\(script).py"
        let process = try ChildProcess(python, [path, try Binaries.weir] + arguments)
        let status = try process.wait(seconds: 600)
        #expect(status == 0, "\(process.text)")
        #expect(process.text.contains(end), "\(process.text)")
    }

    @Test("see the same message as in their own dialect, whole and streamed, byte by byte")
    func answers() throws {
        try Self.run("crossing", ["answers", "bytes"], says: "456 crossings, 0 differ")
    }

    @Test("never take a stream that breaks off, or fails, or says nothing of theirs, for whole")
    func broken() throws {
        try Self.run("crossing", ["cuts", "garbage"], says: " crossings, 0 differ")
    }

    @Test("raise the same exception for a refusal as for one of their own vendor's")
    func failures() throws {
        try Self.run("crossing", ["failures"], says: "240 crossings, 0 differ")
    }

    @Test("hold sessions of 20 turns with tools, through two changes of the vendor")
    func sessions() throws {
        try Self.run("session", says: "36 sessions of 20 turns, 0 wrong")
    }

    @Test("are served by each target of one chain over all dialects, which keeps to its rules")
    func conduct() throws {
        try Self.run("conduct", says: " checks, 0 wrong")
    }
}
