/// What the journal says of an exchange's caller, and of what its limits are charged.
public struct CallerAccount: Equatable, Sendable {
    /// The name of the client's key; empty where no key was asked for.
    public var name: String
    /// The key's group; empty without one.
    public var group: String
    /// Tokens: those that are held at the beginning, and those that are charged at the end.
    public var tokens: Int
    /// Billionths of a dollar, likewise.
    public var nanodollars: Int
    /// How sure the charge is, as a number of the gateway's; 0 without one.
    public var basis: Int

    /// An account of these parts.
    public init(
        name: String = "", group: String = "", tokens: Int = 0, nanodollars: Int = 0,
        basis: Int = 0
    ) {
        self.name = name
        self.group = group
        self.tokens = tokens
        self.nanodollars = nanodollars
        self.basis = basis
    }

    // Without a caller nothing is written, as by earlier versions, and nothing is read.
    init(_ reader: inout PayloadReader) {
        name = reader.text()
        group = reader.text()
        tokens = reader.long()
        nanodollars = reader.long()
        basis = Int(reader.byte())
    }

    func write(to writer: inout PayloadWriter) {
        guard !name.isEmpty else { return }
        writer.text(name, bytesMax: 64)
        writer.text(group, bytesMax: 64)
        writer.long(tokens)
        writer.long(nanodollars)
        writer.byte(UInt8(clamping: basis))
    }
}
