import Access
import Config
import Cryptography
import Logging
import Primitives
import Reactor
import Telemetry

/// The rounds of a link: each takes what is to be asked, asks it at once, and takes the answers.
///
/// It belongs to the link's thread.
final class FleetRounds {
    /// Questions in one round: a store answers them in some milliseconds.
    private static let questionsMax = 512
    /// Slots whose questions are made in one step of the ledger.
    private static let slotsAtOnce = 16
    /// How often the store's settings are looked at.
    private static let auditInterval = Interval.seconds(10)
    /// So few limits are asked about more often than they have to be: what one replica gives back
    /// another one may wait for.
    private static let fewSlots = 256

    private let settings: FleetLink.Settings
    private let link: FleetLink
    private let address: StoreAddress
    private var contact = StoreContact(now: .now())
    private var connection: StoreConnection?
    /// The last addresses of the store's name that were found.
    private var addresses: [SocketAddress] = []
    private var addressTurn = 0
    private var script = ""
    private var number = 0
    /// Slots to be asked about in this turn of all slots, and when it began.
    private var waiting: [Int] = []
    private var turnBegan = Instant(nanoseconds: 0)
    private var urgent: Set<Int> = []
    private var keys = KeyExchange()
    private var cooldowns = CooldownExchange()
    private var nextAudit = Instant(nanoseconds: 0)
    private var isWarnedOfEviction = false
    private var random = RandomSource()

    init(_ settings: FleetLink.Settings, _ link: FleetLink) {
        self.link = link
        guard let address = settings.limits.store else {
            preconditionFailure("a link without a store")
        }
        self.settings = settings
        self.address = address
    }

    /// Whether there is a connection that answers.
    var isInTouch: Bool { connection != nil }

    /// Runs a round, if it is time for one; returns when the next is due.
    func run(now: Instant) -> Instant {
        guard connection != nil || now >= contact.nextTry else { return contact.nextTry }
        do {
            if connection == nil { try connect() }
            try askAll(isEnd: false)
            try shareKeys()
            try shareCooldowns()
            succeeded()
            return now + FleetLink.tick
        } catch {
            failed(error)
            return contact.nextTry
        }
    }

    /// Gives back what is not used: others need not wait for a lease's end.
    func end() {
        guard connection != nil else { return }
        waiting = settings.ledger.sharedSlots
        do {
            while !waiting.isEmpty { try askAll(isEnd: true) }
        } catch {
            settings.logger.notice(
                "shares of limits are given back when their lease ends",
                metadata: ["reason": "\(error.reason)"])
        }
        connection = nil
    }

    // MARK: The connection

    private func connect() throws(StoreFault) {
        // A resolver may take its time: it is asked again once the store counts as away.
        if addresses.isEmpty || contact.isAway { try lookUp() }
        let target = addresses[addressTurn % addresses.count]
        addressTurn += 1
        var tls: TLSClient?
        if address.isEncrypted, let trust = settings.trust {
            do {
                tls = try TLSClient(host: address.host, trust: trust)
            } catch {
                throw StoreFault(reason: error.description)
            }
        }
        guard tls != nil || !address.isEncrypted else {
            throw StoreFault(reason: "no authorities to check the store by")
        }
        let deadline = Instant.now() + StoreContact.patience
        let connection = try StoreConnection(to: target, tls: tls, by: deadline)
        let replies = try connection.ask(greeting, by: Instant.now() + StoreContact.patience)
        if let fault = replies.lazy.compactMap(\.fault).first {
            throw StoreFault(reason: said(fault))
        }
        guard let name = replies.last?.string, name.utf8.count == 40 else {
            throw StoreFault(reason: "the store has not taken the script")
        }
        script = name
        settings.metrics.scriptLoads.add()
        self.connection = connection
        keys.connected()
        cooldowns.connected()
        // What was asked before may have been done or not: all shares are held against the store's.
        waiting = settings.ledger.sharedSlots
        turnBegan = .now()
    }

    private func lookUp() throws(StoreFault) {
        do {
            addresses = try SocketAddress.lookUp(address.host, port: address.port)
        } catch {
            // The last good answer stays: an outage of DNS is none of the store.
            guard addresses.isEmpty else { return }
            throw StoreFault(reason: "\(address.host): \(error)")
        }
    }

    private var greeting: [RESPCommand] {
        var commands: [RESPCommand] = []
        if let password = address.password {
            commands.append(
                RESPCommand(["AUTH"] + (address.user.map { [$0] } ?? []) + [password.reveal()]))
        }
        if address.database != 0 {
            commands.append(RESPCommand(["SELECT", "\(address.database)"]))
        }
        return commands + [RESPCommand(["SCRIPT", "LOAD", ShareScript.text])]
    }

    /// The server's words, without what it may have repeated of ours.
    private func said(_ words: String) -> String {
        let secrets = [address.password?.reveal() ?? ""].filter { !$0.isEmpty }
        // Bounded afterwards: half a password is no match.
        let plain = secrets.reduce(words) { $0.replacingScalars($1, with: "<redacted>") }
        return "the store says: " + plain.prefix(200)
    }

    // MARK: A round

    private func askAll(isEnd: Bool) throws(StoreFault) {
        guard let connection else { return }
        let began = Instant.now()
        let now = Int(Identifier.wallClockMilliseconds())
        // A few at a time: workers wait for the ledger meanwhile.
        let slots = nextSlots(now: began)
        var questions: [ShareQuestion] = []
        for start in stride(from: 0, to: slots.count, by: Self.slotsAtOnce) {
            let some = slots[start..<min(start + Self.slotsAtOnce, slots.count)]
            questions += settings.ledger.questions(of: some, now: now, isEnd: isEnd)
        }
        var commands = questions.map { question in
            number += 1
            return RESPCommand(
                ["EVALSHA", script, "1", ShareScript.key(of: question)]
                    + ShareScript.arguments(question, replica: settings.replica, number: number))
        }
        let isAudit = began >= nextAudit
        // One that asks nothing finds out whether the store is there all the same.
        commands.append(
            RESPCommand(isAudit ? ["CONFIG", "GET", "maxmemory-policy"] : ["PING"]))
        let replies: [RESPReply]
        do {
            replies = try connection.ask(commands, by: began + StoreContact.patience)
        } catch {
            for question in questions { settings.ledger.withdraw(question) }
            throw error
        }
        if isAudit, let last = replies.last {
            nextAudit = began + Self.auditInterval
            audit(last)
        }
        try take(replies, questions)
        settings.ledger.storeAnswered(now: Int(Identifier.wallClockMilliseconds()))
        settings.metrics.rounds.add()
        settings.metrics.answers.add(questions.count)
        settings.metrics.nanoseconds.add(Int((Instant.now() - began).nanoseconds))
    }

    /// The slots of a round: those that do not wait, then those whose turn it is.
    private func nextSlots(now: Instant) -> [Int] {
        urgent.formUnion(settings.ledger.takeUrgentSlots())
        let passed = now - turnBegan
        if waiting.isEmpty, passed >= .milliseconds(Int64(ShareScript.turn / 5)) {
            let slots = settings.ledger.sharedSlots
            if slots.count <= Self.fewSlots || passed >= .milliseconds(Int64(ShareScript.turn)) {
                waiting = slots
                turnBegan = now
            }
        }
        // All of them within a turn, spread over its rounds.
        let share = max(64, waiting.count / 4)
        let count = min(waiting.count, share, Self.questionsMax)
        let slots = urgent.union(waiting.suffix(count))
        waiting.removeLast(count)
        urgent = []
        return Array(slots)
    }

    private func take(_ replies: [RESPReply], _ questions: [ShareQuestion]) throws(StoreFault) {
        var fault: StoreFault?
        var isScriptGone = false
        for (question, reply) in zip(questions, replies) {
            if let words = reply.fault {
                settings.ledger.withdraw(question)
                if words.hasPrefix("NOSCRIPT") {
                    isScriptGone = true
                    urgent.insert(question.slot)
                } else {
                    fault = fault ?? StoreFault(reason: said(words))
                }
                continue
            }
            do throws(ShareScript.Refusal) {
                settings.ledger.adopt(
                    try ShareScript.answer(reply), to: question,
                    now: Int(Identifier.wallClockMilliseconds()))
            } catch {
                settings.ledger.withdraw(question)
                switch error {
                case .stale: continue
                case .twin:
                    fault = StoreFault(
                        reason: "another gateway uses the name of this replica, "
                            + "\(settings.replica.name); each needs a folder of its own")
                case .malformed:
                    fault = StoreFault(reason: "the script's answer is none")
                }
            }
        }
        if isScriptGone { try loadScript() }
        if let fault { throw fault }
    }

    private func loadScript() throws(StoreFault) {
        guard let connection else { return }
        let command = RESPCommand(["SCRIPT", "LOAD", ShareScript.text])
        let replies = try connection.ask([command], by: .now() + StoreContact.patience)
        guard let name = replies.first?.string, name.utf8.count == 40 else {
            throw StoreFault(reason: "the store has not taken the script")
        }
        script = name
        settings.metrics.scriptLoads.add()
    }

    /// Says which of this gateway's keys were changed, and reads which of the others' were.
    private func shareKeys() throws(StoreFault) {
        guard let connection else { return }
        if let own = link.takeKeys() { keys.adopt(own) }
        let commands = keys.commands(now: .now())
        guard !commands.isEmpty else { return }
        guard let question = keys.take(try ask(commands, connection)),
            let answer = try ask([question], connection).first
        else { return }
        let changed = keys.read(answer)
        if !changed.isEmpty { settings.adoptKeys(changed) }
    }

    /// Says which credentials cool down here, and reads which do at others.
    private func shareCooldowns() throws(StoreFault) {
        guard let connection else { return }
        cooldowns.adopt(link.takeCooldowns(now: .now()))
        let commands = cooldowns.commands(now: .now())
        guard !commands.isEmpty, let question = cooldowns.take(try ask(commands, connection)),
            let answer = try ask([question], connection).first
        else { return }
        let begun = cooldowns.read(answer)
        if !begun.isEmpty { settings.adoptCooldowns(begun) }
    }

    /// The replies to commands none of which may fail.
    private func ask(
        _ commands: [RESPCommand], _ connection: StoreConnection
    ) throws(StoreFault) -> [RESPReply] {
        let replies = try connection.ask(commands, by: .now() + StoreContact.patience)
        if let words = replies.lazy.compactMap(\.fault).first {
            throw StoreFault(reason: said(words))
        }
        return replies
    }

    /// A store that throws keys away when its memory is short forgets what was spent.
    private func audit(_ reply: RESPReply) {
        // One that does not let us ask is left alone.
        guard let policy = reply.elements?.last?.string else { return }
        let isSafe = policy == "noeviction"
        if !isSafe, !isWarnedOfEviction {
            settings.logger.warning(
                "the store of shared limits may forget them when its memory is short",
                metadata: ["maxmemory-policy": "\(policy)", "safe": "noeviction"])
        }
        isWarnedOfEviction = !isSafe
    }

    // MARK: In touch, or not

    private func succeeded() {
        guard contact.answered(now: .now()) == .reached else { return }
        settings.ledger.setStoreAway(false)
        settings.metrics.isReached.set(1)
        settings.metrics.remember(trouble: "")
        settings.logger.notice(
            "the store of shared limits is reached",
            metadata: ["store": "\(address)", "replica": "\(settings.replica.name)"])
    }

    private func failed(_ fault: StoreFault) {
        connection = nil
        settings.metrics.failures.add()
        let jitter = Double.random(in: 0...1, using: &random)
        guard contact.failed(now: .now(), jitter: jitter) == .lost else { return }
        settings.ledger.setStoreAway(true)
        settings.metrics.isReached.set(0)
        settings.metrics.losses.add()
        let outage = settings.limits.outage.rawValue
        settings.metrics.remember(
            trouble: "\(fault.reason); limits are decided as outage = \"\(outage)\" says")
        settings.logger.warning(
            "the store of shared limits is away",
            metadata: [
                "store": "\(address)", "reason": "\(fault.reason)", "outage": "\(outage)",
            ])
    }
}

@available(*, unavailable)
extension FleetRounds: Sendable {}
