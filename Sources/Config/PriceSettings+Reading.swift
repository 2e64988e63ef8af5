import Primitives

extension PriceSettings {
    mutating func read(_ reader: inout TableReader) {
        reader.string("file", &file)
        reader.string("version", &version)
        var models: [Model] = []
        reader.table("models") { table in
            for name in table.names {
                var model = Model(glob: name)
                table.table(name) { model.read(&$0) }
                models.append(model)
            }
        }
        // The most exact name first: a glob that is longer says more.
        self.models = models.sorted {
            ($0.glob.contains("*") ? 1 : 0, $1.glob.count, $0.glob)
                < ($1.glob.contains("*") ? 1 : 0, $0.glob.count, $1.glob)
        }
    }
}

extension PriceSettings.Model {
    fileprivate mutating func read(_ reader: inout TableReader) {
        for key in ["input", "output"] where !reader.has(key) {
            reader.error(key, "is required, in dollars for a million tokens")
        }
        reader.amount("input", &input)
        reader.amount("output", &output)
        func optional(_ key: String, _ value: inout Double?) {
            var amount = 0.0
            guard reader.has(key) else { return _ = reader.node(key) }
            reader.amount(key, &amount)
            value = amount
        }
        optional("cache_read", &cacheRead)
        optional("cache_write", &cacheWrite)
        optional("cache_write_long", &cacheWriteLong)
        optional("audio_input", &audioInput)
        optional("audio_output", &audioOutput)
    }
}

extension TableReader {
    /// The names in this table, in order.
    var names: [String] { keys.sorted() }

    /// A price: a number that is not negative.
    mutating func amount(_ key: String, _ value: inout Double) {
        guard let node = node(key) else { return }
        switch node {
        case .integer(let number) where number >= 0: value = Double(number)
        case .float(let number) where number >= 0 && number.isFinite: value = number
        default: error(key, "\(node.kind) where a price such as 2.5 is needed")
        }
    }
}
