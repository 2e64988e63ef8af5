import Glibc

/// Whether the tests run as the quick ring, `bin/test --quick`, which sets an environment variable.
///
/// A test that takes seconds by what it does is left out of it with a reason, and a long table
/// gives it a fixed sample. The whole run knows neither.
package enum QuickRun {
    /// Whether this is a quick run.
    package static let isOn = unsafe getenv("WEIR_TEST_QUICK") != nil

    /// All cases of a table, or every `step`th of them in a quick run: always the same ones.
    package static func sample<Case>(_ cases: [Case], every step: Int) -> [Case] {
        sample(cases, every: step, isQuick: isOn)
    }

    package static func sample<Case>(
        _ cases: [Case], every step: Int, isQuick: Bool
    ) -> [Case] {
        guard isQuick else { return cases }
        return stride(from: 0, to: cases.count, by: step).map { cases[$0] }
    }
}
