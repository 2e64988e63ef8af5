import Synchronization

/// A value on its way to a thread, whose closure would keep it for as long as the thread lives,
/// with keys that were replaced long ago.
final class Handover<Value: Sendable>: Sendable {
    private let value: Mutex<Value?>

    init(_ value: Value) {
        self.value = Mutex(value)
    }

    func take() -> Value? {
        value.withLock { value in
            defer { value = nil }
            return value
        }
    }
}
