import HTTP
public import Primitives

/// How a request's target becomes the one that goes to a vendor.
public struct OutboundTarget: Sendable {
    /// Which of the client's parameters stay behind.
    public enum Dropped: Sendable {
        case none
        /// `key`, which is meant for another vendor.
        case key
        /// Everything that may be a credential.
        case credentials
    }

    private let api: API
    private let vendor: Dialect
    private let basePath: String
    private let baseQuery: String
    private let dropsAddress: Bool

    /// The parameter by which an address of the gateway's names the vendor that it stands for.
    public static let vendorParameter: StaticString = "x-weir-vendor"

    /// Targets of requests in an API to a vendor of a dialect, whose `base_url` has this path and
    /// this query.
    ///
    /// `dropsAddress`: whether ``vendorParameter``, which is the gateway's own, may be there.
    public init(
        api: API, vendor: Dialect, basePath: String, baseQuery: String, dropsAddress: Bool = false
    ) {
        self.dropsAddress = dropsAddress
        self.api = api
        self.vendor = vendor
        self.basePath = basePath
        self.baseQuery = baseQuery
    }

    /// Appends a target: the client's path led to the vendor's base, then the base's own query,
    /// then the client's as it was, without what is dropped.
    ///
    /// `model` replaces the one that the target names. Returns whether it did: only Gemini's paths
    /// name one, and the queries of OpenAI's sessions.
    @discardableResult
    public func write(
        _ pathAndQuery: Span<UInt8>, dropping dropped: Dropped, model: String? = nil,
        to output: inout ByteBuffer
    ) -> Bool {
        if let model, api.dialect == .openai {
            var replaced = ByteBuffer()
            if SessionModel.write(pathAndQuery, model: model, to: &replaced) {
                write(replaced.bytes, dropping: dropped, to: &output)
                return true
            }
        }
        let before = output.count
        output.append(text: basePath)
        let question = pathAndQuery.firstIndex(of: UInt8(ascii: "?")) ?? pathAndQuery.count
        let path = pathAndQuery.extracting(0..<question)
        let rest = path.extracting(versionLength(of: path)..<path.count)
        let isReplaced = writePath(rest, model, to: &output)
        // "/v1" alone, for a vendor without a path of its own.
        if output.count == before { output.append(byte: UInt8(ascii: "/")) }
        let start = min(question + 1, pathAndQuery.count)
        let query = pathAndQuery.extracting(start..<pathAndQuery.count)
        if baseQuery.isEmpty, dropped == .none, !dropsAddress {
            if question < pathAndQuery.count {
                output.append(byte: UInt8(ascii: "?"))
                output.append(query)
            }
        } else {
            write(query: query, dropping: dropped, to: &output)
        }
        return isReplaced
    }

    /// Bytes of the path for which the vendor's base stands: the base of an OpenAI vendor ends in
    /// its version.
    private func versionLength(of path: Span<UInt8>) -> Int {
        guard vendor == .openai else { return 0 }
        for version: StaticString in ["/v1beta/openai", "/v1"] where path.hasSegments(version) {
            return version.utf8CodeUnitCount
        }
        return 0
    }

    private func writePath(
        _ path: Span<UInt8>, _ model: String?, to output: inout ByteBuffer
    ) -> Bool {
        guard api == .gemini, let model, let range = path.modelRange else {
            output.append(path)
            return false
        }
        output.append(path.extracting(0..<range.lowerBound))
        output.append(text: model)
        output.append(path.extracting(range.upperBound..<path.count))
        return true
    }

    private func write(
        query: Span<UInt8>, dropping dropped: Dropped, to output: inout ByteBuffer
    ) {
        var separator = UInt8(ascii: "?")
        if !baseQuery.isEmpty {
            output.append(byte: separator)
            output.append(text: baseQuery)
            separator = UInt8(ascii: "&")
        }
        var start = 0
        while start < query.count {
            let end = query.firstIndex(
                below: 0, or: UInt8(ascii: "&"), or: UInt8(ascii: ";"), from: start)
            let pair = query.extracting(start..<end)
            if !isDropped(pair, dropped) {
                output.append(byte: separator)
                output.append(pair)
            }
            // The client's own separator, once one has been written at all.
            if end < query.count, separator != UInt8(ascii: "?") || !isDropped(pair, dropped) {
                separator = query[end]
            }
            start = end + 1
        }
    }

    private func isDropped(_ pair: Span<UInt8>, _ dropped: Dropped) -> Bool {
        let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.count
        let name = pair.extracting(0..<equals)
        if dropsAddress, name.matches(Self.vendorParameter) { return true }
        switch dropped {
        case .none: break
        case .key:
            if name.percentDecoded().span.matchesIgnoringCase("key") { return true }
        case .credentials:
            // By the record's own rule: a parameter that is not recorded is not sent either.
            if Redaction.changes(pair) { return true }
        }
        return !baseQuery.isEmpty && baseNames(name)
    }

    /// Whether the base's own query has a parameter of this name: the operator's word counts.
    private func baseNames(_ name: Span<UInt8>) -> Bool {
        let wanted = name.percentDecoded()
        return baseQuery.utf8.split(separator: UInt8(ascii: "&")).contains { pair in
            let own = Array(pair.prefix { $0 != UInt8(ascii: "=") })
            return own.span.percentDecoded() == wanted
        }
    }
}

extension API {
    /// The field in which a vendor of a dialect expects its credential for requests of this API.
    public func credentialField(
        _ secret: Secret, vendor: Dialect
    ) -> (name: String, value: String) {
        switch vendor {
        case .anthropic: ("x-api-key", secret.reveal())
        case .gemini where self == .gemini: ("x-goog-api-key", secret.reveal())
        // Google's endpoint for OpenAI's clients takes what those send.
        case .openai, .gemini: ("Authorization", "Bearer \(secret.reveal())")
        }
    }
}

extension Span where Element == UInt8 {
    /// Where the model stands in `…/models/NAME:verb`; nil for other paths.
    ///
    /// A name may hold a colon, as those of tuned and of local models do; a verb never does.
    public var modelRange: Range<Int>? {
        guard
            let start = (firstRange(of: "/models/") ?? firstRange(of: "/tunedModels/"))?.upperBound
        else { return nil }
        var end: Int?
        for index in start..<Swift.max(start, count) where isColon(at: index) { end = index }
        return end.map { start..<$0 }
    }

    /// Whether a colon stands there, percent-encoded or not.
    private func isColon(at index: Int) -> Bool {
        if self[index] == UInt8(ascii: ":") { return true }
        return index + 2 < count && self[index] == UInt8(ascii: "%")
            && self[index + 1] == UInt8(ascii: "3") && self[index + 2] | 0x20 == UInt8(ascii: "a")
    }
}
