/// The handshakes of a worker's clients: how many there may be at once, and how much of a turn they
/// may take.
struct Handshakes: ~Copyable {
    private var count = 0
    private var stepsLeft = Limits.handshakeStepsPerTurn

    /// Begins one; false where there are too many.
    mutating func begin() -> Bool {
        guard count < Limits.handshakesMax else { return false }
        count += 1
        return true
    }

    /// One is over, however it ended.
    mutating func ended() {
        count -= 1
    }

    /// Takes a step of this turn; false where none is left.
    mutating func takeStep() -> Bool {
        guard stepsLeft > 0 else { return false }
        stepsLeft -= 1
        return true
    }

    /// The turn is over.
    mutating func turnEnded() {
        stepsLeft = Limits.handshakeStepsPerTurn
    }
}
