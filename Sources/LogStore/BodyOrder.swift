import Journal

/// How far the pieces of a body go, and whether one between them is missing.
///
/// A damaged frame takes a piece with it. What comes behind is not kept then: a body with a hole in
/// it would be taken for another one.
struct BodyOrder {
    /// Bytes of the body up to the end of the last piece, missing ones among them.
    private(set) var bytes = 0
    /// Whether a piece is missing that others came after.
    private(set) var hasHole = false

    /// Takes the next piece that was found; whether all pieces before it are there.
    mutating func take(_ piece: borrowing Frame) -> Bool {
        if let offset = piece.bodyOffset, offset != bytes {
            hasHole = true
            bytes = max(bytes, offset)
        }
        bytes += piece.payload.count + piece.missingBytes
        return !hasHole
    }
}
