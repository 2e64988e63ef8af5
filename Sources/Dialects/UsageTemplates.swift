import Primitives

/// The usage objects that were read last, for those that are like them.
public struct UsageTemplates: Sendable, Equatable {
    private static let countMax = 4

    private var list: [UsageTemplate] = []
    private var next = 0

    /// None.
    public init() {}

    /// They are no facts about an answer.
    public static func == (_: UsageTemplates, _: UsageTemplates) -> Bool { true }

    /// Reads an object that is like one of them; nil where it is not.
    func read(_ object: Span<UInt8>, into fields: inout UsageFields) -> String? {
        for template in list {
            if let kept = template.read(object, into: &fields) { return kept }
        }
        return nil
    }

    /// How many bytes of a text, from the value of a member on, need not be read, because they are
    /// a usage object that is like one of them, of which nothing else is read; nil where none are.
    func count(of text: Span<UInt8>, name: Span<UInt8>) -> Int? {
        guard name.matches("usage") || name.matches("usageMetadata") else { return nil }
        for template in list where template.isAll {
            if let count = template.count(in: text) { return count }
        }
        return nil
    }

    mutating func add(_ template: UsageTemplate) {
        if list.count < Self.countMax {
            list.append(template)
        } else {
            list[next] = template
            next = (next + 1) % Self.countMax
        }
    }
}
