import Primitives
import Testing

@testable import Codings

@Suite("Compressed messages")
struct MessageInflaterTests {
    /// Two messages as a sender with one context writes them: the second refers to the first.
    private static let first: [UInt8] = [
        0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00,
    ]
    private static let second: [UInt8] = [0xF2, 0x00, 0x11, 0x00, 0x00]

    private static func text(
        _ inflater: MessageInflater, _ message: [UInt8], cutAt cut: Int? = nil
    ) -> String {
        var output: [UInt8] = []
        let take = { (bytes: Span<UInt8>) in
            for index in bytes.indices { output.append(bytes[index]) }
        }
        let cut = cut ?? message.count
        inflater.take(message.span.extracting(0..<cut), take)
        inflater.take(message.span.extracting(cut..<message.count), take)
        inflater.endMessage(take)
        return String(decoding: output, as: UTF8.self)
    }

    @Test("are read at any cut, the second by the context of the first")
    func context() throws {
        // RFC 7692, 7.2.3.2: "Hello" twice.
        for cut in 0...Self.first.count {
            let inflater = try #require(MessageInflater(keepsContext: true))
            #expect(Self.text(inflater, Self.first, cutAt: cut) == "Hello")
            #expect(Self.text(inflater, Self.second) == "Hello")
            #expect(!inflater.isBroken)
        }
    }

    @Test("without a context stand for themselves")
    func withoutContext() throws {
        let inflater = try #require(MessageInflater(keepsContext: false))
        for _ in 0..<3 { #expect(Self.text(inflater, Self.first) == "Hello") }
        #expect(!inflater.isBroken)
        _ = Self.text(inflater, Self.second)
        #expect(inflater.isBroken)
    }

    @Test("that expand too far, or are none, end the reading")
    func hostile() throws {
        let small = try #require(MessageInflater(keepsContext: true, bytesMax: 4))
        _ = Self.text(small, Self.first)
        #expect(small.isBroken)
        let noise = try #require(MessageInflater(keepsContext: true))
        _ = Self.text(noise, [0xFF, 0xFF, 0xFF])
        #expect(noise.isBroken)
        #expect(Self.text(noise, Self.first).isEmpty)
    }

    @Test("may end in a last block, as RFC 7692, 7.2.3.4 allows")
    func lastBlock() throws {
        let inflater = try #require(MessageInflater(keepsContext: true))
        #expect(Self.text(inflater, [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00]) == "Hello")
        #expect(!inflater.isBroken)
    }
}
