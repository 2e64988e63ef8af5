/// A part of the memory that this process may use, or a size.
public enum MemoryShare: Equatable, Sendable {
    /// So many percent of the memory.
    case percent(Int)
    /// So many bytes.
    case bytes(Int)

    /// The bytes that it stands for, of this much memory.
    public func bytes(of memory: Int) -> Int {
        switch self {
        case .percent(let percent): memory / 100 * percent
        case .bytes(let bytes): bytes
        }
    }

    /// A share as the configuration spells it, `"25%"` or `"512MiB"`; nil for anything else.
    init?(_ text: String) {
        if text.hasSuffix("%") {
            guard let percent = Int(text.dropLast()), 1...100 ~= percent, text.first != "+" else {
                return nil
            }
            self = .percent(percent)
        } else {
            guard let bytes = Quantities.size(text) else { return nil }
            self = .bytes(bytes)
        }
    }

    /// The share as the configuration spells it.
    var text: String {
        switch self {
        case .percent(let percent): "\(percent)%"
        case .bytes(let bytes): Quantities.describe(bytes: bytes)
        }
    }
}
