import Primitives

/// Makes the values of a record's row in the table of exchanges, but for its number and for where
/// its content is; see ``ExchangeTable/insertion(withNumber:)``.
struct ExchangeEncoder: ~Copyable {
    private var details = RecordDetailsWriter()
    private var identifier = ByteBuffer(capacity: 16)

    /// Appends the values of a record of whose content there are so many bytes in a segment.
    mutating func append(
        _ record: borrowing Record, _ lengths: InlineArray<4, Int>, _ names: inout NameWriter,
        to values: inout RowValues
    ) throws {
        var sizes = RecordDetails.Sizes(lengths: lengths)
        sizes.request = record.requestBody.totalBytes
        sizes.response = record.responseBody.totalBytes
        try details.write(record, sizes, &names)
        identifier.removeAll()
        ExchangeTable.append(record.identifier, to: &identifier)
        values.append(bytes: identifier)
        values.append(record.acceptedMicroseconds)
        values.append(record.status)
        let day = NameTable.day(ofMicroseconds: record.acceptedMicroseconds)
        func append(_ text: String, _ slot: Int) throws {
            if let number = try names.number(of: text, day: day, slot: slot) {
                values.append(Int(number))
            } else {
                values.append(text)
            }
        }
        try append(record.vendor, ExchangeTable.Slot.vendor)
        try append(record.model, ExchangeTable.Slot.model)
        try append(record.answeringModel, ExchangeTable.Slot.answeringModel)
        try append(record.chain, ExchangeTable.Slot.chain)
        try append(record.key, ExchangeTable.Slot.key)
        try append(record.outcome, ExchangeTable.Slot.outcome)
        try append(record.client, ExchangeTable.Slot.client)
        try append(record.session, ExchangeTable.Slot.session)
        try append(record.errorClass, ExchangeTable.Slot.errorClass)
        let (path, rest) = ExchangeTable.parts(ofTarget: record.target)
        // Most have no rest, and no text is made of a part that is all of it.
        try append(rest.isEmpty ? record.target : String(path), ExchangeTable.Slot.path)
        if rest.isEmpty { values.append(nil as Int?) } else { values.append(rest) }
        values.append(record.chargedTokens)
        values.append(record.chargedNanodollars)
        values.append(bytes: details.buffer)
    }
}
