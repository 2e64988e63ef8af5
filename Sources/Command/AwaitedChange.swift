import Primitives

/// A change of keys that an operator awaits.
struct AwaitedChange {
    let number: Int
    /// After that the change is in force on some workers only.
    let until: Instant
    let answer: (Bool) -> Void
}
