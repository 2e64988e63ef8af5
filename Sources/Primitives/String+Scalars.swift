extension String {
    /// The text with one piece replaced by another, compared scalar by scalar.
    ///
    /// The standard library's `replacing` compares characters: a quote with a combining mark behind
    /// it is another character than a quote, and so is a carriage return with a line feed. Whatever
    /// reads the text afterwards looks at bytes, and would find the quote.
    public func replacingScalars(_ piece: String, with other: String) -> String {
        String(unicodeScalars.replacing(piece.unicodeScalars, with: other.unicodeScalars))
    }
}
