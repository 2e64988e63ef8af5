/// The numbers of a vendor's usage objects by their dotted names, the last one that was given for
/// each: usage is repeated and corrected while a stream goes on, and never adds up.
public struct UsageFields: Equatable, Sendable {
    /// A number and its name.
    struct Field: Equatable, Sendable {
        let name: String
        var number: Int
    }

    // A handful: looked through faster than hashed.
    private(set) var fields: [Field] = []
    /// What the vendor says the call cost, in billionths of a dollar; nil where it does not say.
    public internal(set) var statedNanodollars: Int?

    /// No fields.
    public init() {}

    /// Whether no number was given.
    public var isEmpty: Bool { fields.isEmpty }

    /// The number of a name, the last that was given.
    subscript(name: String) -> Int? {
        get { fields.first { $0.name == name }?.number }
        set {
            let index = fields.firstIndex { $0.name == name }
            switch (index, newValue) {
            case (let index?, let number?): fields[index].number = number
            case (nil, let number?): fields.append(Field(name: name, number: number))
            case (let index?, nil): fields.remove(at: index)
            case (nil, nil): break
            }
        }
    }

    /// The first of some names that a number was given for, and one above zero if there is any.
    func first(_ names: String...) -> Int? {
        let numbers = names.compactMap { self[$0] }
        return numbers.first { $0 > 0 } ?? numbers.first
    }

    /// The largest number that was given for some names: vendors who follow another's shape leave a
    /// zero in it, and say the truth under a name of their own.
    func largest(_ names: String...) -> Int? {
        names.compactMap { self[$0] }.max()
    }

    /// The largest number that was given for a name in some objects.
    func largest(_ name: String, in objects: [String]) -> Int? {
        objects.compactMap { self["\($0).\(name)"] }.max()
    }
}
