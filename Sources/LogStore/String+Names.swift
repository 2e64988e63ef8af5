extension String {
    /// Whether a text is a name as models have it, and no sentence.
    var isName: Bool {
        utf8.count <= 128
            && utf8.allSatisfy { byte in
                // "-", ".", "/", digits and ":", "@" and capitals.
                0x2D...0x3A ~= byte || 0x40...0x5A ~= byte || byte == 0x5F
                    || 0x61...0x7A ~= byte
            }
    }

    /// Whether a text is a name such as `rate_limit_error`, and no sentence.
    var isWord: Bool {
        utf8.count <= 64
            && utf8.allSatisfy { byte in
                byte == 0x5F || byte == 0x2D || byte == 0x2E || 0x30...0x39 ~= byte
                    || 0x41...0x5A ~= byte || 0x61...0x7A ~= byte
            }
    }
}
