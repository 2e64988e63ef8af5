extension TableReader {
    /// Refuses a key of 0.1 with the name it has now.
    ///
    /// A key under an old name is no unknown key: the operator meant it, and it would be silently
    /// off. Two names for one thing would have to be kept forever.
    mutating func renamed(_ old: String, to new: String) {
        guard has(old) else { return }
        _ = node(old)
        error(old, "has a new name since 0.2: \"\(new)\"")
    }

    /// One of some words, of which one had another name in 0.1.
    mutating func choice(
        _ key: String, _ value: inout String, _ allowed: [String], renamed old: String,
        to new: String
    ) {
        if has(key), case .string(old)? = node(key) {
            return error(key, "\"\(old)\" has a new name since 0.2: \"\(new)\"")
        }
        choice(key, &value, allowed)
    }
}
