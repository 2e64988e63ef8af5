import Glibc
import Support
import Testing

/// What `bin/package` makes, looked into without being installed.
@Suite("Packages")
struct PackageTests {
    private static func run(_ command: String, _ arguments: [String]) throws -> String {
        let process = try ChildProcess("/usr/bin/env", [command] + arguments)
        try #require(try process.wait(seconds: 900) == 0, "\(command): \(process.text)")
        return process.text
    }

    private static func unit(
        _ edit: (String) -> String, in folder: TemporaryFolder
    ) throws -> String {
        // Whether the program is there is asked where the package is installed.
        let text = Repository.text("deploy/systemd/weir.service")
            .replacing("ExecStart=/usr/bin/weir ", with: "ExecStart=/bin/true ")
        return try folder.write(edit(text), to: "weir.service")
    }

    @Test("systemd has nothing against the unit, and finds the service closed off")
    func unit() throws {
        let folder = try TemporaryFolder()
        let wrong = try Self.unit({ $0.replacing("PrivateTmp", with: "PrivateTemp") }, in: folder)
        let verify = ["verify", "--man=no", wrong]
        #expect(try Self.run("systemd-analyze", verify).contains("Unknown key 'PrivateTemp'"))
        let right = try Self.unit({ $0 }, in: folder)
        #expect(try Self.run("systemd-analyze", ["verify", "--man=no", right]) == "")
        // Of 10: what is left is the network that it needs.
        _ = try Self.run(
            "systemd-analyze",
            ["security", "--no-pager", "--offline=true", "--threshold=20", right])
    }

    @Test("the package holds what a service needs, and says what it consists of")
    func package() throws {
        let folder = try TemporaryFolder()
        let out = "\(folder.path)/out"
        _ = try Self.run("\(Repository.root)/bin/package", ["--built", "--out", out])
        let files = try Self.run("sh", ["-c", "cd '\(out)' && ls"]).split(separator: "\n")
        let deb = try #require(files.first { $0.hasSuffix(".deb") })
        let tarball = try #require(files.first { $0.hasSuffix(".tar.gz") })
        _ = try Self.run("sh", ["-c", "cd '\(out)' && sha256sum --strict -c weir-*.sha256"])
        // All that the compiler does not do is the same byte for byte, at another time.
        let again = "\(folder.path)/again"
        _ = try Self.run("\(Repository.root)/bin/package", ["--built", "--out", again])
        _ = try Self.run("diff", ["-r", out, again])

        let root = "\(folder.path)/root"
        _ = try Self.run("dpkg-deb", ["-x", "\(out)/\(deb)", root])
        for path in [
            "usr/bin/weir", "etc/weir/config.toml", "usr/share/man/man1/weir.serve.1.gz",
            "usr/share/bash-completion/completions/weir", "usr/share/doc/weir/copyright",
        ] {
            #expect(unsafe access("\(root)/\(path)", R_OK) == 0, "\(path)")
        }
        // What two clean builds of the same source differ in.
        let sections = try Self.run("readelf", ["-SW", "\(root)/usr/bin/weir"])
        #expect(sections.contains(" .text "))
        for name in [".swift_modhash", ".note.gnu.build-id"] {
            #expect(!sections.contains(name), "\(name)")
        }
        // The unit starts a program that is there, with a configuration that it takes.
        let unit = try Self.run("cat", ["\(root)/lib/systemd/system/weir.service"])
        #expect(
            unit.contains("\nExecStart=/usr/bin/weir serve --config /etc/weir/config.toml\n"))
        _ = try Self.run(
            "\(root)/usr/bin/weir", ["check", "--config", "\(root)/etc/weir/config.toml"])
        for script in ["postinst", "prerm", "postrm"] {
            _ = try Self.run("sh", ["-n", "\(Repository.root)/deploy/debian/\(script)"])
        }

        // In the tarball the libraries beside the program are those that it loads.
        _ = try Self.run("tar", ["-xzf", "\(out)/\(tarball)", "-C", folder.path])
        let program = "\(folder.path)/\(tarball.dropLast(7))/bin/weir"
        let loaded = try Self.run("ldd", [program]).split(separator: "\n")
        let curl = try #require(loaded.first { $0.contains("libcurl") })
        #expect(curl.contains("\(folder.path)/"), "\(curl)")
        #expect(try Self.run(program, ["--version"]).hasPrefix("weir "))

        let bill = try Self.run("sh", ["-c", "cat '\(out)'/*.spdx.json"])
        for name in ["\"swift-argument-parser\"", "\"libcurl4\"", "\"SPDX-2.3\""] {
            #expect(bill.contains(name), "\(name)")
        }
    }
}
