import Primitives
import Reactor
import Testing

@testable import weir

@Suite("Successions")
struct SuccessionTests {
    private static func at(_ seconds: Int64) -> Instant {
        Instant(nanoseconds: 1_000_000_000) + .seconds(seconds)
    }

    private static func hello(_ state: inout SuccessionState, number: Int = 1) -> String? {
        state.hello(
            protocolNumber: number, isProcessOne: false, isDraining: false, isReading: true,
            now: at(0))
    }

    @Test("goes through its stages in order, and stays for a while")
    func order() {
        var state = SuccessionState()
        var steps = [state.claimed(isOver: false, Self.at(0)), state.running(Self.at(0))]
        #expect(steps == [false, false])
        let answers = [Self.hello(&state), Self.hello(&state)]
        #expect(answers[0] == nil && state.stage == .offered)
        #expect(answers[1] != nil, "a second one beside it")
        steps = [
            state.running(Self.at(1)), state.claimed(isOver: false, Self.at(1)),
            state.claimed(isOver: false, Self.at(1)),
            state.readingEnded(Self.at(2)), state.running(Self.at(3)),
        ]
        #expect(steps == [false, true, false, true, true] && state.stage == .retired)
        #expect(!state.mayLeave(Self.at(12)) && state.mayLeave(Self.at(13)))
        let late = Self.hello(&state)
        #expect(late != nil, "there is another to ask")
    }

    @Test(
        "refuses what it cannot do, and says why",
        arguments: [
            (1, true, false, true, "container"), (2, false, false, true, "versions"),
            (1, false, true, true, "ending"), (1, false, false, false, "record"),
        ])
    func refusals(
        _ number: Int, _ isProcessOne: Bool, _ isDraining: Bool, _ isReading: Bool, _ word: String
    ) throws {
        var state = SuccessionState()
        let reason = state.hello(
            protocolNumber: number, isProcessOne: isProcessOne, isDraining: isDraining,
            isReading: isReading, now: Self.at(0))
        #expect(try #require(reason).contains(word))
        #expect(state.stage == .serving)
    }

    @Test("what follows the other's end depends on what it had")
    func losses() {
        var state = SuccessionState()
        var losses = [state.lost(Self.at(0))]
        _ = Self.hello(&state)
        losses.append(state.lost(Self.at(0)))
        #expect(state.stage == .serving)
        _ = Self.hello(&state)
        _ = state.claimed(isOver: false, Self.at(0))
        losses.append(state.lost(Self.at(0)))
        #expect(losses == [.nothing, .nothing, .takeBackLater] && state.stage == .withdrawn)
        // The record's threads have ended for a process that is gone: it is not given away.
        var kept = SuccessionState()
        _ = Self.hello(&kept)
        _ = kept.claimed(isOver: false, Self.at(0))
        kept.kept(Self.at(0))
        let loss = kept.lost(Self.at(0))
        #expect(loss == .nothing && kept.stage == .serving, "it could not be given at all")
        let isGiven = state.readingEnded(Self.at(1))
        #expect(!isGiven && state.stage == .bereaved)
        state.tookBack(Self.at(2))
        for isRunning in [false, true] {
            _ = Self.hello(&state)
            _ = state.claimed(isOver: false, Self.at(2))
            _ = state.readingEnded(Self.at(2))
            if isRunning { _ = state.running(Self.at(2)) }
            let loss = state.lost(Self.at(3))
            #expect(loss == .takeBack && state.stage == .bereaved)
            state.tookBack(Self.at(4))
            #expect(state.stage == .serving)
        }
    }

    @Test("the record is not given away in the last turn of the loop")
    func lastTurn() {
        var state = SuccessionState()
        _ = Self.hello(&state)
        let isGiven = state.claimed(isOver: true, Self.at(1))
        #expect(!isGiven && state.stage == .offered && !state.isBetween(Self.at(1)))
    }

    @Test("a process that gets ready for ever is given up, one that serves is not")
    func patience() {
        var state = SuccessionState()
        _ = Self.hello(&state)
        #expect(!state.isOverdue(Self.at(60)) && state.isOverdue(Self.at(61)))
        _ = state.claimed(isOver: false, Self.at(61))
        #expect(!state.isOverdue(Self.at(62)) && state.isOverdue(Self.at(122)))
        _ = state.readingEnded(Self.at(122))
        #expect(state.isOverdue(Self.at(183)))
        _ = state.running(Self.at(183))
        #expect(!state.isOverdue(Self.at(10_000)))
    }

    private static func retired(saysAlive: Bool) -> SuccessionState {
        var state = SuccessionState()
        _ = hello(&state)
        _ = state.claimed(isOver: false, at(0))
        _ = state.readingEnded(at(0))
        if saysAlive { state.heard() }
        _ = state.running(at(0))
        return state
    }

    /// Turns of a loop, one each 200 ms.
    private static func turn(_ state: inout SuccessionState, from start: Int64, to end: Int64) {
        for tick in 0...(end - start) * 5 { state.looked(at(start) + .milliseconds(tick * 200)) }
    }

    @Test("one that serves and then says nothing for a minute hangs, and keeps this one here")
    func silence() {
        var state = Self.retired(saysAlive: true)
        Self.turn(&state, from: 0, to: 9)
        #expect(!state.mayLeave(Self.at(15)), "it has said nothing for a while")
        state.heard()
        #expect(state.mayLeave(Self.at(15)))
        Self.turn(&state, from: 9, to: 69)
        #expect(!state.isOverdue(Self.at(69)))
        Self.turn(&state, from: 69, to: 70)
        #expect(state.isOverdue(Self.at(70)) && !state.mayLeave(Self.at(70)))
        state.heard()
        #expect(!state.isOverdue(Self.at(70)))
        // Both were paused: that is no silence.
        Self.turn(&state, from: 5000, to: 5050)
        #expect(!state.isOverdue(Self.at(5050)))
    }

    @Test("a version that never says that it lives does not hang for that")
    func earlierVersion() {
        var state = Self.retired(saysAlive: false)
        Self.turn(&state, from: 0, to: 600)
        #expect(!state.isOverdue(Self.at(600)) && state.mayLeave(Self.at(600)))
        // One that another process has taken over from may be one, too, until it says so.
        state.heard()
        _ = state.lost(Self.at(600))
        state.foundHeir(Self.at(600))
        Self.turn(&state, from: 600, to: 700)
        #expect(!state.isOverdue(Self.at(700)))
    }

    @Test("messages are read as they were written, and what is none is refused")
    func messages() {
        let all: [SuccessionMessage] = [
            .hello(protocolNumber: 7), .claim(addresses: ["127.0.0.1:80", "unix:/a b"]),
            .claim(addresses: []), .running, .alive, .elder, .refused("one\ntwo"),
            .address("[::]:1", [3, 4]), .admin("127.0.0.1:2", 5), .contents(["a.journal": 6]),
            .contents([:]), .offered(alerts: []), .offered(alerts: ["a b", "c"]),
            .ceded(lock: 9), .rested, .drain, .stop,
        ]
        for message in all { #expect(SuccessionMessage(message.message) == message) }
        for text in ["", "hello2", "admin\nx", "ceded", "contents\na.journal", "address"] {
            #expect(SuccessionMessage(MessageChannel.Message(text)) == nil, "\(text)")
        }
    }

    @Test("a program that is started and does nothing hangs; an end waits while the record moves")
    func hanging() {
        var state = SuccessionState()
        #expect(
            !state.isHanging(Self.at(0), Self.at(60)) && state.isHanging(Self.at(0), Self.at(61)))
        #expect(!state.isBetween(Self.at(0)))
        _ = Self.hello(&state)
        #expect(!state.isHanging(Self.at(0), Self.at(61)) && !state.isBetween(Self.at(0)))
        _ = state.claimed(isOver: false, Self.at(1))
        #expect(state.isBetween(Self.at(1)))
        _ = state.readingEnded(Self.at(2))
        #expect(state.isBetween(Self.at(2)))
        _ = state.running(Self.at(3))
        #expect(!state.isBetween(Self.at(3)))
        // The record is to be taken back, and there is an end to that.
        _ = state.lost(Self.at(4))
        #expect(state.isBetween(Self.at(8)) && !state.isBetween(Self.at(9)))
    }

    @Test("an end waits for threads that are slow to end for a process that is gone")
    func slowThreads() {
        var state = SuccessionState()
        _ = Self.hello(&state)
        _ = state.claimed(isOver: false, Self.at(0))
        _ = state.lost(Self.at(1))
        #expect(state.isBetween(Self.at(60)) && !state.isBetween(Self.at(61)))
        // Then it is the folder's turn.
        _ = state.readingEnded(Self.at(30))
        #expect(state.isBetween(Self.at(34)) && !state.isBetween(Self.at(35)))
    }
}
