import Dialects

extension ModelAlias {
    /// Reads `[models.NAME]`.
    static func read(
        _ name: String, _ reader: inout TableReader, _ vendors: [Vendor]
    ) -> ModelAlias {
        var alias = ModelAlias(name: name)
        reader.string("model", &alias.model)
        if alias.model.isEmpty { reader.error("model", "is required") }
        if !TableReader.isModelName(alias.model) {
            reader.error("model", "holds a byte that no model's name has")
        }
        if alias.model.utf8.count > ModelName.bytesMax {
            reader.error("model", "is longer than \(ModelName.bytesMax) bytes")
        }
        reader.string("vendor", &alias.vendor)
        let names = vendors.map(\.name)
        if !alias.vendor.isEmpty, !names.contains(alias.vendor) {
            let hint = nearest(to: alias.vendor, in: names).map { "; did you mean \"\($0)\"?" }
            let list = names.sorted().joined(separator: ", ")
            reader.error(
                "vendor",
                "\"\(alias.vendor)\" is not configured; known: \(list)\(hint ?? "")")
        }
        return alias
    }
}
