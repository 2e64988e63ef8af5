import Primitives

extension LimitStoreSettings {
    mutating func read(_ reader: inout TableReader, _ secrets: SecretSource) {
        if let text = reader.secret("store", secrets, warns: false)?.reveal() {
            readStore(text, &reader)
        }
        var outage = self.outage.rawValue
        reader.choice("outage", &outage, Outage.allCases.map(\.rawValue))
        self.outage = Outage(rawValue: outage) ?? .closed
        reader.string("ca_file", &caFile)
        if store?.isEncrypted == false, !caFile.isEmpty {
            reader.error("ca_file", "is for a store of rediss://, and this one has no TLS")
        }
    }

    private mutating func readStore(_ text: String, _ reader: inout TableReader) {
        do {
            let address = try StoreAddress(text)
            store = address
            if address.password != nil, !address.isEncrypted {
                let name = address.host.contains(":") ? "[\(address.host)]" : address.host
                reader.warnOfOpenKeys("store", to: name, meant: "rediss://")
            }
            var written = ""
            reader.string("store", &written)
            if written == text, address.password != nil {
                reader.warn(
                    "store",
                    "holds a password in the file itself; \"env:NAME\" or \"file:PATH\" keep it out"
                )
            }
        } catch {
            // What is wrong may stand beside a password.
            reader.error(
                "store", "\(error.fault); for example \"redis://redis.internal:6379\"")
        }
    }
}
