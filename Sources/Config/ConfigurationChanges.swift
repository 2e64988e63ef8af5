import Primitives

/// What a reading of the configuration says otherwise than the one before, for people.
public enum ConfigurationChanges {
    /// A section of a configuration as it is printed, its keys with their values in order.
    private struct Section {
        let name: String
        var values: [(key: String, text: String)] = []
    }

    /// The longest value that is repeated.
    private static let valueLengthMax = 60

    /// What differs between two configurations, a line each, secrets redacted.
    public static func list(from before: Configuration, to after: Configuration) -> [String] {
        let (mine, theirs) = (sections(of: after), sections(of: before))
        var lines: [String] = []
        for section in theirs where !mine.contains(where: { $0.name == section.name }) {
            lines.append("\(section.name): removed")
        }
        for section in mine {
            guard let other = theirs.first(where: { $0.name == section.name }) else {
                lines.append("\(section.name): added")
                continue
            }
            let changed = changes(of: section, from: other)
            lines += changed
            if changed.isEmpty,
                secrets(of: section.name, after) != secrets(of: section.name, before)
            {
                lines.append("\(section.name): a secret has changed")
            }
        }
        for (kind, now, earlier) in [
            ("vendors", after.vendors.map(\.name), before.vendors.map(\.name)),
            ("chains", after.chains.map(\.name), before.chains.map(\.name)),
        ] where now != earlier && now.sorted() == earlier.sorted() {
            lines.append("\(kind): their order has changed")
        }
        return lines
    }

    private static func changes(of section: Section, from other: Section) -> [String] {
        section.values.compactMap { key, text in
            let earlier = other.values.first { $0.key == key }?.text
            guard earlier != text else { return nil }
            let isShort = max(text.count, earlier?.count ?? 0) <= valueLengthMax
            return isShort
                ? "\(section.name).\(key): \(earlier ?? "not set"), now \(text)"
                : "\(section.name).\(key): changed"
        }
    }

    /// The printed configuration by its headings; a chain's tables have its name.
    private static func sections(of configuration: Configuration) -> [Section] {
        var sections: [Section] = []
        var chain = ""
        for line in configuration.description.split(separator: "\n") {
            if line == "[[chains]]" {
                chain = ""
                sections.append(Section(name: "chains"))
            } else if line.hasPrefix("[") {
                let name = line.dropFirst().dropLast()
                sections.append(
                    Section(
                        name: name.hasPrefix("chains.")
                            ? "\(chain).\(name.dropFirst("chains.".count))" : String(name)))
            } else if let equals = line.firstRange(of: " = "), !line.hasPrefix(" ") {
                let value = String(line[equals.upperBound...])
                if sections.last?.name == "chains" {
                    chain = "chains.\(value.filter { $0 != "\"" })"
                    sections[sections.count - 1] = Section(name: chain)
                } else {
                    sections[sections.count - 1].values.append(
                        (String(line[..<equals.lowerBound]), value))
                }
            } else if let last = sections.last?.values.indices.last {
                // A list that goes on over several lines.
                sections[sections.count - 1].values[last].text += " \(line.drop { $0 == " " })"
            }
        }
        return sections
    }

    /// The secrets of a section, which its printed form does not show.
    private static func secrets(
        of section: String, _ configuration: Configuration
    ) -> [Secret] {
        switch section {
        case "admin": return [configuration.admin.token].compactMap { $0 }
        case "alerts": return [configuration.alerts.webhook].compactMap { $0 }
        default:
            let vendors = configuration.vendors.filter { section == "vendors.\($0.name)" }
            let sinks = configuration.sinks.filter {
                section.hasPrefix("sinks.") && section.contains($0.name)
            }
            return vendors.flatMap(\.ownSecrets)
                + sinks.flatMap { $0.headers.map(\.value) + [$0.password].compactMap { $0 } }
        }
    }
}
