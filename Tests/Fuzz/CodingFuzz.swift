import Codings
import HTTP
import Primitives

/// Transfer and content codings, as vendors and clients may send them.
enum CodingFuzz {
    private static let encodings = ["gzip", "deflate", "br", "zstd", "gzip, br"]

    static func run(_ input: FuzzInput) {
        let bytes = input.bytes.span
        input.expectSame { pieces in
            var decoder = ChunkDecoder()
            var data: [UInt8] = []
            for piece in pieces {
                let bytes = bytes.extracting(piece)
                var offset = 0
                while let range = decoder.next(in: bytes, from: &offset) {
                    data += Array(
                        input.bytes[piece][
                            piece.lowerBound + range.lowerBound..<piece.lowerBound
                                + range.upperBound])
                }
            }
            return "\(data) \(decoder.isComplete) \(decoder.isMalformed) \(decoder.surplusBytes)"
        }
        for encoding in encodings {
            let name = Array(encoding.utf8)
            input.expectSame { pieces in
                guard let decoder = ContentDecoder(name.span, bytesMax: 1 << 16) else {
                    return "unknown"
                }
                var plain = ByteBuffer()
                for piece in pieces {
                    _ = decoder.decode(bytes.extracting(piece)) { plain.append($0) }
                }
                precondition(plain.count <= 1 << 16, "more came out than was allowed")
                // How far one comes that breaks depends on the pieces.
                return decoder.isBroken ? "broken" : "\(plain.count) \(decoder.isAtEnd)"
            }
        }
    }
}
