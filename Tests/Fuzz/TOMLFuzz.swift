@testable import Config

/// The reader of TOML, and what reads a configuration from its tree.
enum TOMLFuzz {
    private static let secrets = SecretSource(environment: { _ in nil }, file: { _ in nil })

    static func run(_ input: FuzzInput) {
        expectSame(input.bytes)
        guard let table = try? TOMLReader.read(input.bytes) else { return }
        let lines = input.bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        expectInside(table, lines.map(\.count))
        _ = try? Configuration.read(input.bytes, file: "fuzz", secrets: secrets)
    }

    /// The ends of lines and a comment at the end change no value, no location and no verdict.
    private static func expectSame(_ bytes: [UInt8]) {
        var other: [UInt8] = []
        for byte in bytes {
            if byte == 0x0A, other.last != 0x0D { other.append(0x0D) }
            other.append(byte)
        }
        let (first, second) = (try? TOMLReader.read(bytes), try? TOMLReader.read(other))
        precondition((first == nil) == (second == nil), "CR LF decides")
        guard let first, let second else { return }
        let hasNaN = bytes.indices.contains { bytes[$0...].starts(with: Array("nan".utf8)) }
        precondition(hasNaN || first == second, "CR LF: \(first), \(second)")
        let commented = try? TOMLReader.read(bytes + Array("\n# end".utf8))
        precondition(hasNaN || commented == first, "a comment: \(first)")
    }

    private static func expectInside(_ table: TOMLTable, _ lengths: [Int]) {
        for entry in table.entries {
            expectInside(entry.location, lengths)
            precondition(
                table.entry(entry.key)?.location == entry.location, "not found: \(entry.key)")
            expectInside(entry.value, lengths)
        }
    }

    private static func expectInside(_ value: TOMLValue, _ lengths: [Int]) {
        expectInside(value.location, lengths)
        switch value.content {
        case .table(let table): expectInside(table, lengths)
        case .array(let elements): for element in elements { expectInside(element, lengths) }
        default: break
        }
    }

    private static func expectInside(_ location: SourceLocation, _ lengths: [Int]) {
        precondition(
            1...lengths.count ~= location.line
                && 1...lengths[location.line - 1] ~= location.column, "\(location)")
    }
}
