extension StaticString {
    /// Whether two literals are the same text, byte for byte.
    public func spells(_ other: StaticString) -> Bool {
        let length = utf8CodeUnitCount
        guard length == other.utf8CodeUnitCount else { return false }
        // The compiler gives the same text the same address, most of the time.
        if unsafe utf8Start == other.utf8Start { return true }
        for index in 0..<length where unsafe utf8Start[index] != other.utf8Start[index] {
            return false
        }
        return true
    }
}
