import Config
import LogStore
import Primitives

/// The parameters of a page's address, or of a form.
struct PageParameters: Equatable {
    /// Why a parameter is refused.
    struct Fault: Error, Equatable {
        let description: String
    }

    private var values: [String: String] = [:]

    /// The parameters of a text such as `a=1&b=x%20y`; of several of one name, the last.
    init(_ text: Span<UInt8>) {
        var start = 0
        while start < text.count {
            let end = text.firstIndex(of: UInt8(ascii: "&"), from: start) ?? text.count
            let pair = text.extracting(start..<end)
            let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.count
            let value = pair.extracting(min(equals + 1, pair.count)..<pair.count)
            values[Self.decoded(pair.extracting(0..<equals))] = Self.decoded(value)
            start = end + 1
        }
    }

    private static func decoded(_ text: Span<UInt8>) -> String {
        let plain = text.indices.map { text[$0] == UInt8(ascii: "+") ? 0x20 : text[$0] }
        return String(decoding: plain.span.percentDecoded(), as: UTF8.self)
    }

    /// A parameter; nil where it is not there, or empty, as a form sends fields left blank.
    subscript(name: String) -> String? {
        values[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// A number in a range, or one that stands for none.
    func number(_ name: String, in range: ClosedRange<Int>, else usual: Int) throws(Fault) -> Int {
        guard let text = self[name] else { return usual }
        guard let number = Int(text), range.contains(number) else {
            throw Fault(
                description: "\(name): allowed are \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// Digits from which on a number is a moment in microseconds, of any year after 1973.
    private static let digitsOfMoment = 15

    /// A moment: 10m, 2h, 7d before now, or 2026-11-24T15:00; microseconds since 1970, which may
    /// stand there themselves.
    func moment(_ name: String, now: Int) throws(Fault) -> Int? {
        guard let text = self[name] else { return nil }
        if let moment = Timestamp.microseconds(text) { return moment }
        if text.utf8.count >= Self.digitsOfMoment, let moment = Int(text), moment > 0 {
            return moment
        }
        guard let interval = Configuration.duration(text) else {
            throw Fault(description: "\(name): allowed are 10m, 2h, 7d and 2026-11-24T15:00")
        }
        return now - Int(interval.nanoseconds / 1000)
    }

    /// Which records are asked for, as `weir logs list` has it.
    ///
    /// `readsContent`: whether a text may be looked for in bodies.
    func filter(now: Int, readsContent: Bool) throws(Fault) -> RecordFilter {
        var filter = RecordFilter()
        filter.since = try moment("since", now: now)
        filter.until = try moment("until", now: now)
        filter.vendor = self["vendor"]
        filter.model = self["model"]
        filter.outcome = self["outcome"]
        filter.key = self["key"]
        filter.chain = self["chain"]
        filter.session = self["session"]
        filter.client = self["client"]
        filter.errorClass = self["class"]
        if let text = self["text"] {
            guard readsContent else {
                throw Fault(description: "text: bodies are not shown; see [admin] show_content")
            }
            filter.text = text
        }
        guard let status = self["status"] else { return filter }
        let digits = status.prefix { $0.isASCII && $0.isNumber }
        let isClass = digits.count == 1 && status.dropFirst().lowercased() == "xx"
        guard isClass || digits.count == 3 && digits.count == status.count else {
            throw Fault(description: "status: allowed are 429 and 5xx")
        }
        filter.status = status
        return filter
    }

    /// What sums are of.
    func dimensions() throws(Fault) -> [Dimension] {
        guard let text = self["by"] else { return [.vendor, .model] }
        var dimensions: [Dimension] = []
        for name in text.split(separator: ",") {
            guard let dimension = Dimension(rawValue: String(name)) else {
                let names = Dimension.allCases.map(\.rawValue).joined(separator: ", ")
                throw Fault(description: "by: allowed are \(names)")
            }
            if !dimensions.contains(dimension) { dimensions.append(dimension) }
        }
        return dimensions
    }
}
