import Support
import Testing

@Suite("Documentation")
struct DocumentationTests {
    private static let pages = SourceTree.files(under: "docs", ending: ".md")

    @Test("the top level has the files that readers expect")
    func topLevel() {
        for path in [
            "README.md", "LICENSE", "CONTRIBUTING.md", "CHANGELOG.md", "config.toml", "Dockerfile",
            "docs/ARCHITECTURE.md", "bin/run", "bin/test", "bin/image", ".ci/run", ".editorconfig",
            ".swift-format",
        ] { #expect(Repository.exists(path), "\(path)") }
    }

    @Test("links between pages lead somewhere")
    func links() {
        let files =
            Self.pages
            + ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map {
                SourceFile(path: $0, text: Repository.text($0))
            }
        for file in files {
            for link in Self.links(of: file.text)
            where !link.contains("://") && !link.hasPrefix("#") {
                let target = link.split(separator: "#").first.map(String.init) ?? ""
                let folder = file.folders.joined(separator: "/")
                let path = Self.resolve(folder, target)
                #expect(Repository.exists(path), "\(file.path) links to \(link)")
            }
        }
    }

    @Test("every page is reached from the architecture or the README")
    func reachable() {
        let entrances =
            Repository.text("docs/ARCHITECTURE.md") + Repository.text("README.md")
            + Repository.text("docs/decisions/README.md")
        for page in Self.pages where !page.path.hasSuffix("ARCHITECTURE.md") {
            let name = page.path.split(separator: "/").suffix(1).joined()
            #expect(entrances.contains(name), "\(page.path)")
        }
    }

    @Test("paths that the pages name are there")
    func paths() {
        for page in Self.pages {
            for word in page.text.split(whereSeparator: { "` \n()|,;".contains($0) })
            where word.hasPrefix("Sources/") || word.hasPrefix("Tests/") || word.hasPrefix("bin/") {
                let path = word.last == "." || word.last == ":" ? word.dropLast() : word
                guard !path.contains("*"), !path.contains("<") else { continue }
                #expect(Repository.exists(String(path)), "\(page.path) names \(path)")
            }
        }
    }

    @Test("the version is the same wherever it stands")
    func version() throws {
        let source = Repository.text("Sources/Command/Weir.swift")
        let line = try #require(source.split(separator: "\n").first { $0.contains("number = \"") })
        let number = line.split(separator: "\"")[1]
        #expect(Repository.text("CHANGELOG.md").contains("## \(number)"))
    }

    private static func links(of text: String) -> [String] {
        var found: [String] = []
        var rest = Substring(text)
        while let start = rest.firstRange(of: "](") {
            rest = rest[start.upperBound...]
            guard let end = rest.firstIndex(of: ")") else { break }
            found.append(String(rest[..<end]))
            rest = rest[end...]
        }
        return found
    }

    private static func resolve(_ folder: String, _ link: String) -> String {
        var parts = folder.split(separator: "/").map(String.init)
        for part in link.split(separator: "/") {
            if part == ".." {
                _ = parts.popLast()
            } else if part != "." {
                parts.append(String(part))
            }
        }
        return parts.joined(separator: "/")
    }
}
