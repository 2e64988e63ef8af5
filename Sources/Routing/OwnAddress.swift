import Config
import Dialects
import HTTP
import Primitives

/// The gateway's own address in the stead of a vendor's: one that leads a client back here, to the
/// same vendor.
public struct OwnAddress: Sendable {
    private let vendor: SharedVendor
    /// Scheme, authority, and the prefix of the chain: `http://127.0.0.1:8080/team`.
    private let base: String

    /// Addresses of a vendor as they read at a base.
    public init(of vendor: SharedVendor, at base: String) {
        self.vendor = vendor
        self.base = base
    }

    /// The gateway's address for one of the vendor's; nil for whatever is not plainly an absolute
    /// address below its `base_url`.
    ///
    /// A text that could be read in two ways is none: the gateway would lend it its name.
    public func address(for url: Span<UInt8>) -> [UInt8]? {
        guard let (path, query) = split(url), !RequestPath.hasDotSegments(path) else { return nil }
        let own = vendor.basePath.utf8.span
        guard path.count >= own.count, path.extracting(0..<own.count).equals(own) else {
            return nil
        }
        let rest = path.extracting(own.count..<path.count)
        guard rest.isEmpty || rest[0] == UInt8(ascii: "/") else { return nil }
        var output = ByteBuffer()
        output.append(text: base)
        // The base of an OpenAI vendor stands for the version in its clients' paths.
        if vendor.dialect == .openai { output.append("/v1") }
        output.append(rest)
        output.append("?")
        write(query, to: &output)
        output.append(OutboundTarget.vendorParameter)
        output.append("=")
        output.append(percentEncoding: vendor.name)
        return Array(output.bytes)
    }

    /// Whether a request comes to such an address of another vendor than this.
    ///
    /// An address of a vendor whose addresses are not rewritten is none of the gateway's.
    public static func leadsElsewhere(
        _ query: Span<UInt8>, than vendor: SharedVendor
    ) -> Bool {
        var start = 0
        while start < query.count {
            let end = query.firstIndex(of: UInt8(ascii: "&"), from: start) ?? query.count
            let pair = query.extracting(start..<end)
            let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.count
            if pair.extracting(0..<equals).matches(OutboundTarget.vendorParameter) {
                let value = pair.extracting(min(equals + 1, pair.count)..<pair.count)
                let name = String(decoding: value.percentDecoded(), as: UTF8.self)
                return !vendor.rewritesURLs || name != vendor.name
            }
            start = end + 1
        }
        return false
    }

    /// Path and query of an address of the vendor's; nil where it is another's.
    @_lifetime(copy url)
    private func split(_ url: Span<UInt8>) -> (Span<UInt8>, Span<UInt8>)? {
        for index in url.indices {
            // None of these stands in an address, and clients do not agree about them.
            let byte = url[index]
            guard byte > 0x20, byte < 0x7F, !"\\\"<>^`{}|#".utf8.contains(byte) else { return nil }
        }
        let scheme = vendor.scheme.utf8.span
        var start = 0
        // Without a scheme it is that of the answer.
        if !url.hasPrefix("//") {
            guard url.count > scheme.count + 3,
                url.extracting(0..<scheme.count).equalsIgnoringCase(scheme),
                url.extracting(scheme.count..<scheme.count + 3).matches("://")
            else { return nil }
            start = scheme.count + 1
        }
        let rest = url.extracting(start + 2..<url.count)
        let slash = rest.firstIndex(below: 0, or: UInt8(ascii: "/"), or: UInt8(ascii: "?"))
        guard isVendor(rest.extracting(0..<slash)) else { return nil }
        let question = rest.firstIndex(of: UInt8(ascii: "?"), from: slash) ?? rest.count
        let query = min(question + 1, rest.count)
        return (rest.extracting(slash..<question), rest.extracting(query..<rest.count))
    }

    /// Whether an authority is the vendor's host and port, and nothing else.
    private func isVendor(_ authority: Span<UInt8>) -> Bool {
        let host = vendor.host.utf8.span
        guard authority.count >= host.count,
            authority.extracting(0..<host.count).equalsIgnoringCase(host)
        else { return false }
        let rest = authority.extracting(host.count..<authority.count)
        if rest.isEmpty { return vendor.port == (vendor.scheme == "https" ? 443 : 80) }
        guard rest[0] == UInt8(ascii: ":"), rest.count <= 6 else { return false }
        return rest.extracting(1..<rest.count).decimal == vendor.port
    }

    /// Appends the parameters that a client may have, each with what parts it from the next.
    private func write(_ query: Span<UInt8>, to output: inout ByteBuffer) {
        var start = 0
        while start < query.count {
            let end = query.firstIndex(of: UInt8(ascii: "&"), from: start) ?? query.count
            let pair = query.extracting(start..<end)
            let name = pair.extracting(
                0..<(pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.count))
            // The vendor repeats what it was asked with, which may be the gateway's.
            let isOwn = vendor.usesOwnSecret && CredentialWords.isCredential(parameter: name)
            if !isOwn, !name.matches(OutboundTarget.vendorParameter) {
                output.append(pair)
                output.append("&")
            }
            start = end + 1
        }
    }
}
