/// The handshakes of a worker's clients: how many there may be at once, and how much of a turn they
/// may take.
struct Handshakes: ~Copyable {
    private var count = 0
    private var stepsLeft = Limits.handshakeStepsPerTurn

    /// Whether as many are under way as there may be.
    var isFull: Bool { count >= Limits.handshakesMax }

    /// Begins one; false where there are too many.
    mutating func begin() -> Bool {
        guard !isFull else { return false }
        count += 1
        return true
    }

    /// One is over, however it ended.
    mutating func ended() {
        count -= 1
    }

    /// Whether a step of this turn is left.
    var hasStep: Bool { stepsLeft > 0 }

    /// Takes a step of this turn.
    mutating func takeStep() {
        stepsLeft -= 1
    }

    /// The turn is over.
    mutating func turnEnded() {
        stepsLeft = Limits.handshakeStepsPerTurn
    }
}
