/// What a fuzzer made up: bytes, and where they are cut in two.
///
/// The first two bytes choose the cut, so that a reader of streams sees each text whole and in two
/// pieces, and must say the same of both.
struct FuzzInput {
    let bytes: [UInt8]
    let cut: Int

    /// Nil when there are too few bytes for a cut.
    init?(_ raw: UnsafeBufferPointer<UInt8>) {
        guard raw.count > 2 else { return nil }
        bytes = unsafe Array(raw.dropFirst(2))
        cut = unsafe (Int(raw[0]) << 8 | Int(raw[1])) % (bytes.count + 1)
    }

    /// The whole, and the same in two pieces.
    var wholeAndCut: (whole: [Range<Int>], cut: [Range<Int>]) {
        ([0..<bytes.count], [0..<cut, cut..<bytes.count])
    }

    /// Ends the process, which a fuzzer takes for a finding, unless a reader said the same of both.
    func expectSame<Finding: Equatable>(_ read: ([Range<Int>]) -> Finding) {
        let (whole, cut) = wholeAndCut
        let (first, second) = (read(whole), read(cut))
        precondition(first == second, "whole: \(first); cut at \(self.cut): \(second)")
    }
}
