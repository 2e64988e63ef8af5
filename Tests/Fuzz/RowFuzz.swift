import Primitives

@testable import LogStore

/// The details of a row with any bytes at all, as a damaged index may give them back: what reads
/// them makes no more than they hold, and what forgets some of them leaves the rest.
enum RowFuzz {
    /// The texts of names: short, long, and such as have holes for digits.
    private static let names = ["", "v", "{\"a\":#,\"b\":[#,#]}", "##", "gpt-4o", "a,b#"]

    private static func name(_ number: Int64) -> String {
        names[Int(number.magnitude % UInt64(names.count))]
    }

    static func run(_ input: FuzzInput) {
        let bytes = input.bytes.span
        var record = Record(Identifier(high: 1, low: 2))
        let sizes = RecordDetails.read(bytes, into: &record, name)
        precondition((sizes == nil) == (RecordDetails.sizes(bytes) == nil))
        // A name's number is a byte at least, and its text as long as the longest.
        let bound = bytes.count * 20 + 64
        precondition(record.attempts.count <= 255 && record.usageText.utf8.count <= bound)
        for text in [record.errorMessage, record.trace, record.journal, record.agent] {
            precondition(text.utf8.count <= bound)
        }
        if let sizes {
            let pointer = ExchangeTable.pointer(segment: 1, start: .max, sizes)
            precondition(pointer.footprint >= 0)
        }
        check(RecordDetails.erased(bytes, without: RecordColumn.erased), record, sizes)
        let target = bytes.text
        let (path, rest) = ExchangeTable.parts(ofTarget: target)
        precondition(path + rest == target && !path.contains("?"))
        if let range = ExchangeTable.range(named: target) {
            precondition(
                (range.least.high, range.least.low) <= (range.largest.high, range.largest.low))
        }
    }

    /// Details without what is forgotten are details again, which have nothing to forget.
    private static func check(
        _ erased: [UInt8]?, _ record: Record, _ sizes: RecordDetails.Sizes?
    ) {
        guard let erased else { return precondition(sizes == nil) }
        precondition(RecordDetails.erased(erased.span, without: RecordColumn.erased) == erased)
        var left = Record(Identifier(high: 1, low: 2))
        let leftSizes = RecordDetails.read(erased.span, into: &left, name)
        precondition(left.errorMessage.isEmpty && left.trace.isEmpty)
        precondition(leftSizes?.request == sizes?.request)
        precondition(leftSizes?.lengths.indices.allSatisfy { leftSizes?.lengths[$0] == 0 } == true)
    }
}
