import Primitives

extension TableReader {
    /// Reads a proxy's URL, which may come from the environment or a file because of its password;
    /// nil where there is none.
    mutating func proxy(_ key: String, _ secrets: SecretSource) -> VendorProxy? {
        guard let text = secret(key, secrets, warns: false)?.reveal() else { return nil }
        do {
            let proxy = try VendorProxy(text)
            var written = ""
            string(key, &written)
            if written == text, proxy.password != nil {
                warn(
                    key,
                    "holds a password in the file itself; \"env:NAME\" or \"file:PATH\" "
                        + "keep it out")
            }
            return proxy
        } catch {
            self.error(
                key,
                "\"\(Vendor.withoutSecrets(text))\" \(error.fault); for example "
                    + "\"http://proxy.example.com:3128\"")
            return nil
        }
    }

    /// A tunnel is used again for requests of the same proxy, host and port, whatever name the
    /// proxy got for it.
    func checkProxies(_ vendors: [Vendor]) {
        for (index, vendor) in vendors.enumerated() {
            guard let proxy = vendor.proxy else { continue }
            let other = vendors[..<index].first { other in
                other.host == vendor.host && other.port == vendor.port && other.proxy != proxy
                    && other.proxy?.host == proxy.host && other.proxy?.port == proxy.port
            }
            guard let other else { continue }
            error(
                "vendors.\(vendor.name).proxy",
                "has another name or password than that of \(other.name), which has the same host "
                    + "and port behind the same proxy")
        }
    }
}

extension VendorProxy {
    /// Why a text is no URL of a proxy.
    struct Malformation: Error {
        let fault: String

        init(_ fault: String) {
            self.fault = fault
        }
    }

    init(_ text: String) throws(Malformation) {
        var rest = Substring(text)
        if rest.hasPrefix("http://") {
            scheme = "http"
        } else if rest.hasPrefix("https://") {
            scheme = "https"
        } else {
            throw Malformation("must begin with http:// or https://")
        }
        rest = rest.dropFirst(scheme.count + 3)
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        guard rest.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
            !rest.contains(where: { "/?#".contains($0) })
        else {
            throw Malformation("must have neither a path nor a query, nor a byte to be escaped")
        }
        if let at = rest.lastIndex(of: "@") {
            let parts = rest[..<at].split(
                separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decoded(parts[0]), !name.isEmpty, !name.contains(":") else {
                throw Malformation("has a name that cannot be shown to a proxy")
            }
            user = Secret(name)
            guard parts.count == 2 else {
                password = nil
                (host, port) = try Self.authority(rest[rest.index(after: at)...])
                return
            }
            guard let word = Self.decoded(parts[1]) else {
                throw Malformation("has a password that cannot be shown to a proxy")
            }
            password = Secret(word)
            rest = rest[rest.index(after: at)...]
        } else {
            user = nil
            password = nil
        }
        (host, port) = try Self.authority(rest)
    }

    private static func authority(
        _ text: Substring
    ) throws(Malformation) -> (host: String, port: Int) {
        guard let colon = text.lastIndex(of: ":"), !text[colon...].contains("]"),
            let port = UInt16(text[text.index(after: colon)...]), port > 0
        else { throw Malformation("has no port, or one that is none") }
        let host = text[..<colon].lowercased()
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        let inner = isBracketed ? host.dropFirst().dropLast() : host[...]
        let isPlain = inner.utf8.allSatisfy { byte in
            byte == 0x2D || byte == 0x2E || byte == 0x5F || 0x30...0x39 ~= byte
                || 0x61...0x7A ~= byte || byte == 0x3A && isBracketed
        }
        guard !inner.isEmpty, isPlain, isBracketed == inner.contains(":") else {
            throw Malformation("has no host, or one that is none")
        }
        return (host, Int(port))
    }

    /// A name or a password without its escapes; nil where a field cannot carry it.
    static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        guard bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }
}
