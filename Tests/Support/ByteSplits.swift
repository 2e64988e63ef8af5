/// The ways in which a stream of bytes may arrive.
package enum ByteSplits {
    /// Whole, byte by byte, and cut in two at every offset.
    package static func all(_ bytes: [UInt8]) -> [[[UInt8]]] {
        var ways = [[bytes], bytes.map { [$0] }]
        for offset in stride(from: 1, to: bytes.count, by: 1) {
            ways.append([Array(bytes[..<offset]), Array(bytes[offset...])])
        }
        return ways
    }

    /// Cut at random offsets.
    package static func random(
        _ bytes: [UInt8], using generator: inout some RandomNumberGenerator
    ) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Int.random(in: 1...min(rest.count, 40), using: &generator)
            pieces.append(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        return pieces
    }
}
