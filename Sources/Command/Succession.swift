import Config
import Gateway
import Glibc
import Journal
import Logging
import Primitives
import Reactor

// DESIGN
//
// One process serves and reads; others may still give their last clients their answers. The lock of
// the record's folder says which one it is: it goes from process to process with its descriptor,
// and the kernel frees it when its holder ends. A process that has retired keeps its end of the
// channel to its successor, and its listening sockets, which it does not accept from: when the
// channel ends it tries to take the lock. If it gets it, the successor is gone and it serves again;
// if not, another process has taken over from that one, and it reports to the new one as an elder.

/// One gateway after the other in the same folder: gives sockets and record to a process that takes
/// over, takes them back when that ends, and knows the processes before this one.
///
/// On the control loop.
final class Succession: DescriptorHandler, TimerHandler {
    private static let interval = Interval.milliseconds(200)
    /// Descriptors of one message.
    private static let batch = 200

    /// A process that took the last clients of its own with it.
    private struct Elder {
        let channel: MessageChannel
        var isRested = false
    }

    unowned let composition: Composition
    let loop: EventLoop
    let folder: String
    /// Where the program was at this process's start: there will be the next one.
    private let program: String?
    private var listener: Int32 = -1
    var state = SuccessionState()
    var successor: MessageChannel?
    /// The addresses that the successor listens on.
    private var claimed: [String] = []
    private var elders: [Elder] = []
    /// Those that have said nothing yet.
    private var guests: [MessageChannel] = []
    /// The program that this process has started to take over, and when.
    private var child: (process: pid_t, since: Instant)?
    private var timer: TimerWheel.Timer?
    private var restingWorkers: Set<Int> = []
    private var isOperatorsEnded = false
    /// Whether a supervisor takes the successor for its service's process.
    private var isMainPassedOn = false
    private var awaitsSuccessor = false
    var roll = Roll()
    /// Since when the record is this process's again, and clients wait until limits know of it.
    var tookBackAt: Instant?
    /// Whether the record could not be taken back at once, and clients are served all the same.
    var servesWithoutRecord = false

    var logger: Logger { composition.logger }

    /// The path of the channel in a record's folder.
    static func path(in folder: String) -> String { "\(folder)/handover" }

    init(_ composition: Composition, on loop: EventLoop) {
        self.composition = composition
        self.loop = loop
        folder = composition.configuration.log.path
        program = OwnProgram.path()
        timer = loop.timers.create(self)
    }

    /// Takes over from a predecessor, if there is one, and lets others take over from now on.
    func start(after predecessor: Predecessor?) throws(Composition.StartError) {
        if let predecessor {
            try predecessor.confirm()
            elders.append(Elder(channel: predecessor.channel))
            loop.watch(predecessor.channel.descriptor, for: .read, self)
            logger.notice(
                "taken over", metadata: ["from": "\(predecessor.channel.peer?.process ?? 0)"])
        } else if let error = Supervisor.notify("READY=1") {
            logger.warning(
                "the supervisor cannot be sent a message", metadata: ["error": "\(error)"])
        }
        listen()
        wake()
    }

    func listen() {
        guard composition.recording.isReading else { return }
        do {
            listener = try MessageChannel.listen(at: Self.path(in: folder))
            loop.watch(listener, for: .read, self)
        } catch {
            logger.warning(
                "no other process can take over from this one", metadata: ["error": "\(error)"])
        }
    }

    private func stopListening() {
        guard listener >= 0 else { return }
        loop.forget(listener)
        Socket.close(listener)
        listener = -1
    }

    /// Whether another process serves.
    var isRetired: Bool { [.retired, .withdrawn, .bereaved].contains(state.stage) }

    /// Whether this process may end, as far as others are concerned.
    var mayEnd: Bool {
        elders.allSatisfy(\.isRested) && !(awaitsSuccessor && successor != nil)
            && !state.isBetween(loop.now)
    }

    /// After the loop: leaves nothing behind that another process would have to mistake.
    func end() {
        stopListening()
        if !isRetired { unsafe unlink(Self.path(in: folder)) }
    }

    // MARK: Orders

    /// SIGUSR2: starts the program once more, to take over.
    func startSuccessor() {
        guard getpid() != 1 else {
            return logger.warning(
                "process 1 of a container is not replaced: start another container instead")
        }
        guard state.stage == .serving, child == nil, let program else {
            return logger.warning("no program is started to take over: another is at it")
        }
        let file = composition.file.map { ["--config", $0.path] } ?? []
        do {
            let process = try OwnProgram.start(
                ["serve", "--takeover"] + file, output: 2, program: program)
            child = (process, loop.now)
            logger.notice(
                "a program is started to take over",
                metadata: ["program": "\(program)", "process": "\(process)"])
            wake()
        } catch {
            logger.error("no program can take over", metadata: ["error": "\(error)"])
        }
    }

    /// This process is to end: the program that it has started would serve alone in its stead.
    func abandonChild() {
        guard let child, !isRetired else { return }
        kill(child.process, SIGTERM)
    }

    /// The process is to end: so are those before it, and, where a supervisor takes this one for
    /// the whole service, the one after it.
    func pass(_ order: SuccessionMessage) {
        sendToElders(order)
        guard isRetired, Supervisor.isThere, !isMainPassedOn, let successor else { return }
        awaitsSuccessor = true
        send(order, to: successor)
    }

    /// Whether a process before this one still has clients.
    var hasElders: Bool { !elders.allSatisfy(\.isRested) }

    func sendToElders(_ order: SuccessionMessage) {
        for elder in elders where !elder.isRested { send(order, to: elder.channel) }
    }

    /// The workers have ended.
    func workersEnded() {
        composition.recording.endWriting()
        reportRested()
    }

    /// Says to the process that serves that it need not wait any more: not for this one, and not
    /// for those before it, which have only this one to report to.
    private func reportRested() {
        guard isRetired, composition.mailboxes.isEmpty, elders.allSatisfy(\.isRested),
            let successor
        else { return }
        send(.rested, to: successor)
    }

    /// The last client of a worker has gone.
    func rested(_ worker: Int) { restingWorkers.insert(worker) }

    /// The record's threads have ended.
    func readingEnded(_ record: CededRecord) {
        composition.recording.hasCeded(record)
        defer { Socket.close(record.lock) }
        guard state.readingEnded(loop.now), let successor else { return }
        send(.ceded(lock: record.lock), to: successor)
    }

    func send(_ message: SuccessionMessage, to channel: MessageChannel) {
        do {
            // A process that hangs takes nothing; its successor must not wait for it each second.
            try channel.send(message.message, isAwaited: message != .alive)
        } catch {
            // Its end is seen by its channel.
            logger.debug("a gateway cannot be sent a message", metadata: ["error": "\(error)"])
        }
    }

    // MARK: Channels

    func descriptorReady(_ descriptor: Int32, _ readiness: Readiness) {
        if descriptor == listener { return accept() }
        let channels = [successor].compactMap(\.self) + elders.map(\.channel) + guests
        guard let channel = channels.first(where: { $0.descriptor == descriptor }) else { return }
        while true {
            switch channel.receive() {
            case .message(let message):
                guard let order = SuccessionMessage(message) else { continue }
                obey(order, from: channel)
            case .nothing: return
            case .closed: return lost(channel)
            }
        }
    }

    private func accept() {
        guard let guest = MessageChannel(acceptedFrom: listener) else { return }
        guard guest.peer?.user == geteuid() else {
            return logger.warning(
                "another user's process may not take over",
                metadata: ["user": "\(guest.peer?.user ?? .max)"])
        }
        guests.append(guest)
        loop.watch(guest.descriptor, for: .read, self)
    }

    private func obey(_ order: SuccessionMessage, from channel: MessageChannel) {
        switch order {
        case .hello(let number): greet(channel, number)
        case .elder:
            guests.removeAll { $0 === channel }
            elders.append(Elder(channel: channel))
            wake()
        case .alive where channel === successor: state.heard()
        case .claim(let addresses) where channel === successor: cede(addresses)
        case .running where channel === successor:
            guard state.running(loop.now) else { return }
            retire()
            // An end that was ordered meanwhile has waited for this.
            reportRested()
            composition.endIfOver()
        case .rested:
            for index in elders.indices where elders[index].channel === channel {
                elders[index].isRested = true
            }
            reportRested()
            composition.endIfOver()
        case .drain:
            // This one need not be waited for: it waits for this process.
            if !composition.isDraining { composition.end() }
        case .stop: composition.order(.stop)
        default: break
        }
    }

    private func greet(_ channel: MessageChannel, _ number: Int) {
        let reason = state.hello(
            protocolNumber: number, isProcessOne: getpid() == 1,
            isDraining: !composition.takesRequests,
            isReading: composition.recording.isReading,
            now: loop.now)
        if let reason {
            logger.warning("no process takes over", metadata: ["reason": "\(reason)"])
            return send(.refused(reason), to: channel)
        }
        guests.removeAll { $0 === channel }
        successor = channel
        logger.notice(
            "a process gets ready to take over",
            metadata: ["process": "\(channel.peer?.process ?? 0)"])
        for (address, descriptors) in composition.listening?.byAddress ?? [] {
            for start in stride(from: 0, to: descriptors.count, by: Self.batch) {
                let part = descriptors[start...].prefix(Self.batch)
                send(.address(address, Array(part)), to: channel)
            }
        }
        if let admin = composition.adminSocket, admin.descriptor >= 0 {
            send(.admin(admin.address, admin.descriptor), to: channel)
        }
        let contents = Array(composition.recording.sharedContents)
        for start in stride(from: 0, to: contents.count, by: Self.batch) {
            let part = contents[start...].prefix(Self.batch)
            send(.contents(Dictionary(part.map { ($0.key, $0.value) }) { $1 }), to: channel)
        }
        composition.recording.expectHandOver(true)
        send(.offered(alerts: composition.standingAlertLines), to: channel)
        wake()
    }

    private func cede(_ addresses: [String]) {
        guard state.claimed(isOver: loop.isStopped, loop.now) else {
            if loop.isStopped, let successor {
                send(.refused("it is ending"), to: successor)
            }
            return
        }
        claimed = addresses
        // Who asks for the gateway of the folder from now on is to find the other process.
        stopListening()
        do {
            let control = composition.control
            try composition.recording.handOver { lock in control?.post(.readingEnded(lock)) }
        } catch {
            logger.error("the record cannot be handed over", metadata: ["error": "\(error)"])
            state.kept(loop.now)
            listen()
            if let successor { lost(successor) }
        }
    }

    private func retire() {
        logger.notice(
            "another process has taken over: those who are here get their last answers",
            metadata: ["process": "\(successor?.peer?.process ?? 0)"])
        restingWorkers = []
        tookBackAt = nil
        isOperatorsEnded = false
        leaveClients(keeping: claimed)
        wake()
    }

    func lost(_ channel: MessageChannel) {
        loop.forget(channel.descriptor)
        channel.close()
        guests.removeAll { $0 === channel }
        elders.removeAll { $0.channel === channel }
        if channel === successor {
            successor = nil
            switch state.lost(loop.now) {
            case .nothing:
                composition.recording.expectHandOver(false)
                logger.error("the process that was to take over has ended: nothing has changed")
            case .takeBack: takeBack()
            case .takeBackLater: break
            }
            wake()
        }
        composition.endIfOver()
    }

    // MARK: Time

    private func wake() {
        if let timer { loop.timers.arm(timer, at: loop.now + Self.interval) }
    }

    func timerFired(_ timer: TimerWheel.Timer) {
        reap()
        callRoll()
        endIfHanging()
        if let child, state.isHanging(child.since, loop.now) { endHanging(child.process) }
        if state.stage == .bereaved { takeBack() }
        stopWaitingIfLate()
        if state.stage == .retired, !isOperatorsEnded, loop.now - state.since > .seconds(1) {
            isOperatorsEnded = true
            composition.operators?.endConnections(all: true)
        }
        if state.mayLeave(loop.now) { leaveIfRested() }
        composition.endIfOver()
        if state.stage != .serving || child != nil || tookBackAt != nil || hasElders { wake() }
    }

    private func leaveIfRested() {
        if !isMainPassedOn, Supervisor.isThere, let process = successor?.peer?.process {
            isMainPassedOn = true
            if let error = Supervisor.notify("MAINPID=\(process)\nREADY=1") {
                logger.warning(
                    "the supervisor cannot be sent a message", metadata: ["error": "\(error)"])
            }
        }
        // Those before this one would look for the process that serves, and find none if that ended
        // just then: they would serve again. So each process outlives the ones before it.
        guard restingWorkers.count == composition.mailboxes.count, !composition.isDraining,
            elders.allSatisfy(\.isRested)
        else { return }
        logger.notice("the last clients have their answers")
        composition.order(.drain)
    }

    /// Takes notice of the end of a program that was started to take over.
    private func reap() {
        guard let child else { return }
        var status: Int32 = 0
        guard unsafe waitpid(child.process, &status, WNOHANG) == child.process else { return }
        self.child = nil
        logger.warning(
            "the program that was started to take over has ended",
            metadata: ["process": "\(child.process)", "status": "\(status >> 8 & 0xFF)"])
    }
}
