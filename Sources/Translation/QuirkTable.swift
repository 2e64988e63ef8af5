/// What is known of models that differ from the newest ones of their dialect.
public struct QuirkTable: Sendable {
    /// A row: models by patterns with `*`, and what they take.
    struct Row: Sendable {
        let forms: [Form]
        let models: [String]
        /// The day on which it was looked up.
        let date: String
        let change: @Sendable (inout Quirks) -> Void

        init(
            _ forms: [Form], _ models: [String], _ date: String,
            _ change: @escaping @Sendable (inout Quirks) -> Void
        ) {
            self.forms = forms
            self.models = models
            self.date = date
            self.change = change
        }

        func matches(_ model: String, _ form: Form) -> Bool {
            forms.contains(form) && models.contains { QuirkTable.matches($0, model) }
        }
    }

    /// The quirks of a model that is asked in a form.
    public static func quirks(of model: String, _ form: Form) -> Quirks {
        var quirks = Quirks()
        for row in shipped where row.matches(model, form) { row.change(&quirks) }
        return quirks
    }

    /// Whether a name is one of a pattern's.
    static func matches(_ pattern: String, _ name: String) -> Bool {
        let parts = pattern.split(separator: "*", omittingEmptySubsequences: false)
        guard parts.count > 1, let first = parts.first, let last = parts.last else {
            return pattern == name
        }
        guard name.hasPrefix(first) else { return false }
        var rest = name.dropFirst(first.count)
        for part in parts.dropFirst().dropLast() {
            guard let found = rest.firstRange(of: part) else { return false }
            rest = rest[found.upperBound...]
        }
        return rest.hasSuffix(last)
    }
}
