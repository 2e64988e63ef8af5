import Codings
import Primitives
import Support
import Testing

@Suite("Content codings")
struct ContentDecoderTests {
    private static let text =
        #"{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}"#

    private static let brotli =
        "1b3d00189d07b6f3943d69b190dc3a5f8becbd6d6d9ab33438cda2d3d527455ae8c021074e07cada023910d4"
        + "43c8e4a927e1921f87209752b2018c777303"
    private static let rawDeflate =
        "ab56cacd4f49cd51b2524a2f28d135c957d251ca4d2d2e4e4c4f2d56b28aae562acacf49054a9616a71601a5"
        + "92f3f34a52f34a800219994ab5b1b500"
    private static let twoFrames =
        "28b52ffd0058a100007b226d6f64656c223a226770742d346f222c226d28b52ffd0058510100657373616765"
        + "73223a5b7b22726f6c65223a2275736572222c22636f6e74656e74223a226869227d5d7d"
    private static let afterSkipped =
        "502a4d18100000007b226d6f64656c223a2266616b65227d28b52ffd0058f101007b226d6f64656c223a22"
        + "6770742d346f222c226d65737361676573223a5b7b22726f6c65223a2275736572222c22636f6e74656e7422"
        + "3a226869227d5d7d"

    private static func bytes(_ hexadecimal: String) -> [UInt8] {
        let digits = Array(hexadecimal.utf8).map { $0.hexadecimalDigit ?? 0 }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    private static func gzip(_ bytes: [UInt8], isWrapped: Bool = true) throws -> [UInt8] {
        try #require(Gzip.compress(bytes, isWrapped: isWrapped))
    }

    /// The decoded bytes of a body that comes in these pieces.
    private static func decode(
        _ encoding: String, _ pieces: [ArraySlice<UInt8>], bytesMax: Int = 1 << 20
    ) throws -> (bytes: [UInt8], isAtEnd: Bool, isBroken: Bool) {
        let made = ContentDecoder(encoding.utf8.span, bytesMax: bytesMax)
        let decoder = try #require(made, "\(encoding)")
        var output: [UInt8] = []
        for piece in pieces {
            let piece = Array(piece)
            _ = decoder.decode(piece.span) { output.append($0) }
        }
        return (output, decoder.isAtEnd, decoder.isBroken)
    }

    private static func bodies() throws -> [(String, [UInt8])] {
        let plain = Array(text.utf8)
        let half = plain.count / 2
        return [
            ("gzip", try gzip(plain)), ("X-GZIP", try gzip(plain)),
            ("gzip", try gzip(Array(plain[..<half])) + gzip(Array(plain[half...]))),
            ("deflate", try gzip(plain, isWrapped: false)), ("deflate", bytes(rawDeflate)),
            ("br", bytes(brotli)), ("zstd", bytes(twoFrames)), ("zstd", bytes(afterSkipped)),
            ("zstd, gzip", try gzip(bytes(twoFrames))),
            ("identity, br,, deflate", try gzip(bytes(brotli), isWrapped: false)),
        ]
    }

    @Test("are undone, whole, byte by byte, and cut in two anywhere")
    func undone() throws {
        for (encoding, body) in try Self.bodies() {
            var ways = [[body[...]], body.indices.map { body[$0...$0] }]
            ways += body.indices.map { [body[..<$0], body[$0...]] }
            for way in ways {
                let result = try Self.decode(encoding, way)
                #expect(String(decoding: result.bytes, as: UTF8.self) == Self.text, "\(encoding)")
                #expect(result.isAtEnd && !result.isBroken)
            }
        }
    }

    @Test("that break off are never at their end")
    func truncated() throws {
        for (encoding, body) in try Self.bodies() where body != Self.bytes(Self.twoFrames) {
            for end in 0..<body.count {
                let result = try Self.decode(encoding, [body[..<end]])
                // Between two members of gzip it might have ended.
                let mayEnd = encoding == "gzip" || encoding == "zstd"
                #expect(!result.isAtEnd || mayEnd && result.bytes.count < Self.text.utf8.count)
            }
        }
    }

    @Test(
        "with a fault in them, or with something behind them, are broken",
        arguments: ["gzip", "deflate", "br", "zstd"])
    func broken(_ encoding: String) throws {
        let body = try #require(try Self.bodies().first { $0.0 == encoding }).1
        #expect(try Self.decode(encoding, [body[...], [1, 2, 3, 4, 5, 6, 7, 8, 9][...]]).isBroken)
        #expect(try Self.decode(encoding, [Array("no such coding at all".utf8)[...]]).isBroken)
        var random = RandomSource(seed: 7)
        for _ in 0..<500 {
            var changed = body
            changed[Int.random(in: 0..<body.count, using: &random)] ^=
                UInt8.random(in: 1...255, using: &random)
            _ = try Self.decode(encoding, [changed[...]])
        }
    }

    @Test(
        "that are not known, or too many, are not undone",
        arguments: ["x-thing", "gzip, x-thing", "gzip,gzip,gzip,gzip,gzip", "identity", "", ","])
    func unknown(_ encoding: String) {
        let decoder = ContentDecoder(encoding.utf8.span)
        #expect(decoder == nil)
    }

    @Test("stop at a bound of what comes out, and at a ratio that no text has")
    func bombs() throws {
        let zeros = [UInt8](repeating: 0, count: 8 << 20)
        let body = try Self.gzip(zeros)
        let small = try Self.decode("gzip", [body[...]], bytesMax: 100_000)
        #expect(small.isBroken && small.bytes.count <= 100_000)
        let large = try Self.decode("gzip", [body[...]], bytesMax: .max)
        #expect(large.isAtEnd && large.bytes.count == zeros.count)
        // A frame of runs: each four bytes stand for 128 KiB.
        let runs: [UInt8] =
            [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x58]
            + (0..<8000).flatMap { _ in [0x02, 0x00, 0x10, 0x78] as [UInt8] }
        let gigabyte = try Self.decode("zstd", [runs[...]], bytesMax: .max)
        #expect(gigabyte.isBroken && gigabyte.bytes.count <= 16 << 20)
        let nested = try Self.gzip(try Self.gzip(body))
        #expect(try Self.decode("gzip, gzip, gzip", [nested[...]], bytesMax: .max).isBroken)
    }

    @Test("a window larger than HTTP's decoders have is refused")
    func window() throws {
        // 128 MiB, as level 22 asks for.
        let frame: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x88, 0x01, 0x00, 0x00]
        #expect(try Self.decode("zstd", [frame[...]]).isBroken)
    }
}
