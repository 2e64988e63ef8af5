import Support
import Testing

@Suite("Quick runs")
struct QuickRunTests {
    @Test("take a fixed sample of a table, and whole runs take all of it")
    func samples() {
        let cases = Array(0..<10)
        #expect(QuickRun.sample(cases, every: 4, isQuick: true) == [0, 4, 8])
        #expect(QuickRun.sample(cases, every: 20, isQuick: true) == [0])
        #expect(QuickRun.sample(cases, every: 4, isQuick: false) == cases)
    }

    @Test("are what bin/test --quick starts, and whole runs never are")
    func script() {
        let script = Repository.text("bin/test")
        #expect(script.contains("WEIR_TEST_QUICK=1"))
        #expect(!Repository.text(".ci/run").contains("quick"))
    }
}
