import Cryptography
import Primitives
import Testing

@testable import Access

@Suite("Client keys")
struct ClientKeyTests {
    private static func shape(_ text: String) -> ClientKey.Shape {
        ClientKey.shape(of: Array(text.utf8).span)
    }

    private static func random(_ seed: UInt64) -> [UInt8] {
        var source = RandomSource(seed: seed)
        return (0..<ClientKey.randomBytes).map { _ in
            UInt8.random(in: .min ... .max, using: &source)
        }
    }

    @Test("are a beginning, 43 digits and a checksum, whatever the random bytes")
    func making() {
        let some = (0..<200).map { Self.random($0) }
        let edges = [
            [UInt8](repeating: 0, count: 32), [UInt8](repeating: 255, count: 32),
        ]
        var seen: Set<String> = []
        for random in some + edges {
            let key = ClientKey.make(from: random)
            #expect(key.hasPrefix("weir_") && key.utf8.count == 54)
            #expect(Self.shape(key) == .key)
            #expect(seen.insert(key).inserted)
        }
    }

    @Test("with a letter changed, taken out or added are found without looking them up")
    func typos() {
        let key = Array(ClientKey.make(from: Self.random(1)).utf8)
        for index in 5..<key.count {
            var other = key
            other[index] = other[index] == 0x41 ? 0x42 : 0x41
            #expect(ClientKey.shape(of: other.span) == .malformed)
            other.remove(at: index)
            #expect(ClientKey.shape(of: other.span) == .malformed)
            #expect(ClientKey.shape(of: (other + [0x20, 0x41]).span) == .malformed)
        }
    }

    @Test(
        "differ from other credentials",
        arguments: ["", "weir", "Weir_", "sk-weir_", "sk-ant-1", "AIzaX", "WEIR_abc", " weir_"])
    func foreign(_ text: String) {
        #expect(Self.shape(text) == .foreign)
    }

    @Test("are found anywhere in a text, whole ones alone")
    func standing() {
        let key = ClientKey.make(from: Self.random(3))
        func stands(_ text: String) -> Bool { ClientKey.stands(in: Array(text.utf8).span) }
        for text in [key, "a\(key)", "\(key)b", "weir_\(key)", "weir_ weir_\(key)", "x \(key) y"] {
            #expect(stands(text), "\(text)")
        }
        for text in ["", "weir_", String(key.dropLast()), String(key.dropFirst()), "weir_weir_"] {
            #expect(!stands(text), "\(text)")
        }
    }

    @Test("have the checksum that zlib computes")
    func checksum() {
        #expect(CRC32.of(Array("123456789".utf8).span) == 0xCBF4_3926)
        #expect(CRC32.of([UInt8]().span) == 0)
    }

    @Test("are known by their digest, in either form")
    func digests() throws {
        let key = ClientKey.make(from: Self.random(2))
        var digest = Digest()
        digest.add(Array(key.utf8).span)
        let bytes = digest.finishBytes()
        var again = Digest()
        again.add(Array(key.utf8).span)
        let text = again.finish()
        let known = try #require(KeyDigest(hexadecimal: text))
        #expect(KeyDigest(bytes.span) == known)
        #expect(KeyDigest(hexadecimal: text.uppercased()) == known)
        var other = bytes
        for index in other.indices {
            other[index] ^= 1
            #expect(KeyDigest(other.span) != known)
            other[index] ^= 1
        }
        for wrong in ["", "ab", text + "0", String(text.dropLast()) + "g"] {
            #expect(KeyDigest(hexadecimal: wrong) == nil)
        }
    }
}
