import Primitives
import Testing

@Suite("Byte buffers")
struct ByteBufferTests {
    @Test("append at the end and are consumed at the front")
    func queue() {
        var buffer = ByteBuffer()
        buffer.append("hello ")
        buffer.append(text: "wörld")
        buffer.append(byte: 0x21)
        #expect(buffer.bytes.text == "hello wörld!")
        buffer.consume(6)
        #expect(buffer.bytes.text == "wörld!")
        #expect(buffer.bytes(0..<1).text == "w")
        buffer.truncate(to: 3)
        #expect(buffer.bytes.text == "wö")
        buffer.set(0x57, at: 0)
        #expect(buffer.bytes.text == "Wö")
        buffer.removeAll()
        #expect(buffer.count == 0)
    }

    @Test("reclaim what was consumed before they grow")
    func reclaiming() {
        var buffer = ByteBuffer(capacity: 64)
        for round in 0..<1000 {
            buffer.append(text: "0123456789")
            if round % 2 == 1 { buffer.consume(20) }
        }
        #expect(buffer.capacity == 64)
        #expect(buffer.count == 0)
    }

    @Test("keep their bytes while they grow", arguments: [1, 7, 1000])
    func growth(_ size: Int) {
        var buffer = ByteBuffer()
        var expected: [UInt8] = []
        for round in 0..<2000 {
            let piece = (0..<size).map { UInt8(truncatingIfNeeded: $0 &+ round) }
            buffer.append(piece.span)
            expected += piece
            if round % 3 == 0 {
                buffer.consume(size / 2)
                expected.removeFirst(size / 2)
            }
        }
        let isSame = expected.span.indices.allSatisfy { buffer.bytes[$0] == expected[$0] }
        #expect(buffer.count == expected.count)
        #expect(isSame)
    }

    @Test("write numbers in decimal and hexadecimal")
    func numbers() {
        for number in [0, 1, 9, 10, 255, 4096, 65_535, 1_000_000, .max, -1, -42] {
            var decimal = ByteBuffer()
            decimal.append(decimal: number)
            #expect(decimal.bytes.text == "\(number)")
            guard number >= 0 else { continue }
            var hexadecimal = ByteBuffer()
            hexadecimal.append(hexadecimal: number)
            #expect(hexadecimal.bytes.text == String(number, radix: 16))
        }
    }

    @Test("without storage hold and cost nothing")
    func empty() {
        var buffer = ByteBuffer()
        #expect(buffer.capacity == 0)
        #expect(buffer.bytes.count == 0)
        buffer.append([UInt8]().span)
        buffer.append("")
        #expect(buffer.capacity == 0)
        buffer.append("x")
        buffer.release()
        #expect(buffer.capacity == 0)
    }

    @Test("let a caller fill the room it asked for")
    func filling() {
        var buffer = ByteBuffer()
        let room = unsafe buffer.fill(room: 10) { space in
            unsafe space.storeBytes(of: 0x41, as: UInt8.self)
            return (1, space.count)
        }
        #expect(room >= 10)
        #expect(buffer.bytes.text == "A")
    }
}

@Suite("Buffer pools")
struct BufferPoolTests {
    @Test("lend the same storage again")
    func reuse() {
        let pool = BufferPool()
        var first = ByteBuffer()
        pool.lend(to: &first)
        #expect(first.capacity == BufferPool.pieceBytes)
        let address = unsafe first.pointer.baseAddress
        pool.reclaim(&first)
        #expect(first.capacity == 0)
        var second = ByteBuffer()
        pool.lend(to: &second)
        let isSame = unsafe second.pointer.baseAddress == address
        #expect(isSame)
    }

    @Test("do not keep storage that grew, nor lend to a buffer that has some")
    func sizes() {
        let pool = BufferPool()
        var buffer = ByteBuffer()
        pool.lend(to: &buffer)
        buffer.append([UInt8](repeating: 1, count: 100_000).span)
        pool.lend(to: &buffer)
        #expect(buffer.count == 100_000)
        buffer.removeAll()
        pool.reclaim(&buffer)
        #expect(buffer.capacity == 0)
        pool.lend(to: &buffer)
        #expect(buffer.capacity == BufferPool.pieceBytes)
    }
}
