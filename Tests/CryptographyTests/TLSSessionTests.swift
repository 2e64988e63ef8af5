import COpenSSL
import Cryptography
import Glibc
import Primitives
import Support
import Testing

@Suite("TLS: a session")
struct TLSSessionTests {
    private static func context(_ versionMin: TLSSettings.Version = .tls12) throws -> TLSContext {
        let certificate = try TestCertificate(names: "DNS:localhost")
        return try TLSContext(
            TLSSettings(
                certificates: [.init(chain: certificate.chain, key: certificate.key)],
                versionMin: versionMin),
            tickets: TicketKeys())
    }

    private static func pattern(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    }

    @Test("carries bytes both ways")
    func bytes() throws {
        let pair = TLSPair(try Self.context())
        #expect(!pair.session.isEstablished)
        #expect(pair.handshake() == .moved(0))
        #expect(pair.session.isEstablished && pair.version == "TLSv1.3")
        var input = ByteBuffer()
        #expect(pair.session.receive(into: &input, room: 100) == .wouldBlock)
        pair.send(Array("hello".utf8))
        #expect(pair.session.receive(into: &input, room: 100) == .moved(5))
        #expect(Array(input.bytes) == Array("hello".utf8))
        var output = ByteBuffer()
        output.append("good bye")
        #expect(pair.session.send(from: &output) == .moved(8))
        #expect(output.isEmpty && pair.read(100) == Array("good bye".utf8))
    }

    @Test("leaves nothing decrypted behind, for which the kernel would report nothing")
    func pending() throws {
        let pair = TLSPair(try Self.context())
        #expect(pair.handshake() == .moved(0))
        let sent = Self.pattern(10_000)
        #expect(pair.send(sent) == 10_000)
        var input = ByteBuffer()
        // One record: what does not fit into the room is read all the same.
        #expect(pair.session.receive(into: &input, room: 1000) == .moved(10_000))
        #expect(Array(input.bytes) == sent)
    }

    @Test(
        "leaves no whole record behind, however records and room meet",
        arguments: [1, 10, 100, 1000, 5000, 16_384], [1, 999, 17_000, 40_000])
    func readAhead(_ record: Int, _ room: Int) throws {
        let pair = TLSPair(try Self.context())
        #expect(pair.handshake() == .moved(0))
        let sent = Self.pattern(min(60_000, record * 200))
        var offset = 0
        while offset < sent.count {
            let next = Array(sent[offset..<min(sent.count, offset + record)])
            #expect(pair.send(next) == next.count)
            offset += next.count
        }
        var input = ByteBuffer()
        // As an event loop does: it reads while the kernel reports something, and no longer.
        var reads = 0
        while pair.isReadable {
            guard case .moved(let count) = pair.session.receive(into: &input, room: room) else {
                // What is there is the beginning of a record, and its rest would be reported.
                break
            }
            // The room, what OpenSSL reads ahead, and the record that is completed.
            #expect(count <= room + (40 << 10))
            reads += 1
        }
        #expect(Array(input.bytes) == sent)
        #expect(reads > 0)
    }

    @Test("goes on with the same bytes, and more of them, after the kernel took no more")
    func backPressure() throws {
        let pair = TLSPair(try Self.context())
        #expect(pair.handshake() == .moved(0))
        let sent = Self.pattern(3 << 20)
        var output = ByteBuffer()
        let (first, second) = (Array(sent.prefix(2 << 20)), Array(sent.suffix(1 << 20)))
        output.append(first.span)
        var blocked = 0
        var got: [UInt8] = []
        var isAllAppended = false
        for _ in 0..<100_000 where got.count < sent.count {
            if pair.session.send(from: &output) == .wouldBlock {
                blocked += 1
                if !isAllAppended {
                    // The buffer moves, and grows behind what OpenSSL has encrypted.
                    isAllAppended = true
                    output.append(second.span)
                }
            }
            got += pair.read(9_999)
        }
        #expect(blocked > 0 && got == sent)
    }

    @Test("reports the end, and a cut as one")
    func ends() throws {
        for isOrderly in [true, false] {
            let pair = TLSPair(try Self.context())
            #expect(pair.handshake() == .moved(0))
            pair.send([1, 2, 3])
            isOrderly ? pair.finish() : pair.cut()
            var input = ByteBuffer()
            #expect(pair.session.receive(into: &input, room: 10) == .moved(3))
            #expect(pair.session.receive(into: &input, room: 10) == .closed)
            #expect(pair.session.receive(into: &input, room: 10) == .closed)
        }
    }

    @Test("says its own end, and only after a handshake")
    func ownEnd() throws {
        let pair = TLSPair(try Self.context())
        pair.session.finishSending()
        #expect(pair.handshake() == .moved(0))
        pair.session.finishSending()
        #expect(pair.read(1) == [] && pair.sawEnd)
    }

    @Test("ends with a client that changes its keys all the time")
    func keyUpdates() throws {
        let pair = TLSPair(try Self.context())
        #expect(pair.handshake() == .moved(0))
        var input = ByteBuffer()
        for _ in 0..<10 { pair.updateKeys() }
        pair.send([1])
        #expect(pair.session.receive(into: &input, room: 10) == .moved(1))
        #expect(!pair.session.isFlooded)
        for _ in 0..<10 { pair.updateKeys() }
        pair.send([1])
        #expect(pair.session.receive(into: &input, room: 10) == .failed)
        #expect(pair.session.isFlooded)
    }

    @Test("reads no further for messages without content than for content")
    func flood() throws {
        let pair = TLSPair(try Self.context())
        #expect(pair.handshake() == .moved(0))
        // 200 KiB: OpenSSL would read all of it before it returned.
        pair.flood(keyUpdates: 7000)
        var input = ByteBuffer()
        #expect(pair.session.receive(into: &input, room: 10) == .failed)
        #expect(pair.isReadable)
    }

    @Test("refuses to renegotiate, and goes on")
    func renegotiation() throws {
        let pair = TLSPair(try Self.context(), versionMax: TLS1_2_VERSION)
        #expect(pair.handshake() == .moved(0))
        pair.send([1])
        pair.renegotiate()
        var input = ByteBuffer()
        #expect(pair.session.receive(into: &input, room: 10) == .moved(1))
        #expect(pair.session.receive(into: &input, room: 10) == .wouldBlock)
        #expect(pair.readsFault())
        #expect(!pair.session.isFlooded)
    }

    @Test("is refused below its lowest version, with another protocol, and by what is no greeting")
    func refused() throws {
        let old = TLSPair(try Self.context(.tls13), versionMax: TLS1_2_VERSION)
        #expect(old.handshake() == .failed)
        for (offer, outcome) in [
            ("\u{2}h2", TLSSession.Outcome.failed), ("\u{2}h2\u{8}http/1.1", .moved(0)),
            ("\u{8}http/1.1", .moved(0)), ("\u{8}http/1.0", .failed),
        ] {
            let pair = TLSPair(try Self.context(), protocols: Array(offer.utf8))
            #expect(pair.handshake() == outcome, "\(offer)")
        }
    }
}
