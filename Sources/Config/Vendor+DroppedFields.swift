extension Vendor {
    /// Reads which fields of a request the vendor does not get.
    mutating func readDroppedFields(_ reader: inout TableReader) {
        reader.strings("drop_headers", &dropHeaders)
        for (index, pattern) in dropHeaders.enumerated() {
            let isPattern =
                !pattern.isEmpty
                && pattern.utf8.allSatisfy { byte in
                    byte > 0x20 && byte < 0x7F && !"\"(),/:;<=>@[\\]{}".utf8.contains(byte)
                }
            guard !isPattern else { continue }
            reader.error(
                "drop_headers[\(index)]",
                "\"\(pattern)\" is no name of a header field, nor a pattern of names; for example "
                    + "\"x-forwarded-*\"")
        }
    }
}
