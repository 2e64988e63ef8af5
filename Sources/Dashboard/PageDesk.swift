import Gateway
import JSON
import LogStore
import Primitives
import Reactor

/// Answers the page's questions on a thread of its own, from a connection that only reads: neither
/// the control loop nor a worker ever waits for the database.
final class PageDesk: TimerHandler {
    /// A page that follows what happens.
    private struct Follower {
        let answer: LaterAnswer
        /// Which records it wants; nil where it shows the gateway's state.
        var filter: RecordFilter?
    }

    private static let followersMax = 32
    private static let interval = Interval.seconds(1)
    /// Records sent to a follower in one go: the rest of a burst is in the list.
    private static let tailMax = 100
    /// How long one question searches: the pages that follow wait for the same thread.
    private static let searchTime = Interval.milliseconds(80)

    private let folder: String
    private let status: GatewayStatus
    private let showsContent: Bool
    private let loop: EventLoop
    private var store: Store?
    private var followers: [Follower] = []
    private var minutes = MinuteSeries()
    private var recent = RecentSums()
    private var timer: TimerWheel.Timer?

    init(folder: String, status: GatewayStatus, showsContent: Bool, on loop: EventLoop) {
        self.folder = folder
        self.status = status
        self.showsContent = showsContent
        self.loop = loop
    }

    // MARK: Questions

    /// Answers a question; never throws: what went wrong is the answer.
    func answer(_ question: PageQuestion, _ answer: LaterAnswer) {
        // Its page was closed while others were answered.
        guard !answer.isUnwanted else { return }
        do {
            switch question {
            case .live: try follow(answer, nil)
            case .tail(let filter): try follow(answer, filter)
            default: answer.give(.whole(try response(to: question)))
            }
        } catch {
            // It may be another file by the next question.
            store = nil
            answer.give(.whole(PageAnswers.fault(503, "\(error)")))
        }
    }

    private func opened() throws -> Store {
        if let store { return store }
        let store = try Store(reading: folder)
        self.store = store
        return store
    }

    private func response(to question: PageQuestion) throws -> LocalResponse {
        switch question {
        case .now: return PageAnswers.json(now())
        case .calls(let filter, let limit):
            let deadline = Instant.now() + Self.searchTime
            let found = try opened().search(filter, limit: limit) { .now() < deadline }
            return PageAnswers.json(
                .members([
                    "calls": .array(found.records.map { $0.json(showsContent: showsContent) }),
                    "isWhole": .bool(found.next == nil), "next": .int(found.next),
                ]))
        case .call(let name):
            return try found(name) {
                PageAnswers.json(CallView.json($0, showsContent: showsContent))
            }
        case .body(let name, let isRequest, let isRaw):
            return try found(name) {
                CallView.body(of: $0, isRequest: isRequest, isRaw: isRaw)
            }
        case .sums(let filter, let dimensions):
            let lines = try opened().statistics(filter, by: dimensions)
            return PageAnswers.json(
                .members(["lines": .array(lines.map { SumsView.json($0, dimensions) })]))
        case .days(let filter): return PageAnswers.json(try SumsView.days(filter, opened()))
        case .spend(let since):
            return PageAnswers.json(try SumsView.spend(since: since, opened()))
        case .sessions(let filter, let limit):
            let sessions = try opened().sessions(filter, limit: limit)
            return PageAnswers.json(
                .members(["sessions": .array(sessions.map { SessionView.json($0) })]))
        case .session(let name):
            var filter = RecordFilter()
            filter.session = name
            let sessions = try opened().sessions(filter, limit: 100, withCalls: true)
            guard let session = sessions.first(where: { $0.name == name }) else {
                return PageAnswers.fault(404, "there is no session of this name")
            }
            return PageAnswers.json(SessionView.json(session))
        case .live, .tail: return PageAnswers.fault(404, "a stream")
        }
    }

    private func found(
        _ name: String, _ show: (StoredRecord) -> LocalResponse
    ) throws -> LocalResponse {
        let records = try opened().records(named: name)
        guard let record = records.first else {
            return PageAnswers.fault(404, "there is no call of this name")
        }
        return records.count == 1
            ? show(record) : PageAnswers.fault(404, "several calls have names that begin so")
    }

    /// The gateway as it is, with the last hour by minutes; without these where the record cannot
    /// be read, which is what an operator looks for then.
    private func now() -> JSONValue {
        var fault = ""
        do {
            let store = try opened()
            try minutes.update(store)
            try recent.update(store)
        } catch {
            store = nil
            fault = "\(error)"
        }
        return .object(
            JSONValue.list([
                "status": status.json(), "minutes": minutes.json, "record_fault": .string(fault),
            ]) + recent.members)
    }

    // MARK: Followers

    private func follow(_ answer: LaterAnswer, _ filter: RecordFilter?) throws {
        guard followers.count < Self.followersMax else {
            return answer.give(.whole(PageAnswers.fault(503, "too many pages follow already")))
        }
        var filter = filter
        if filter != nil { filter?.after = try opened().lastNumber() }
        answer.give(.begin(PageAnswers.events))
        let follower = Follower(answer: answer, filter: filter)
        if filter == nil { answer.give(.piece(Self.event("now", now()))) }
        followers.append(follower)
        arm()
    }

    private func arm() {
        let timer = self.timer ?? loop.timers.create(self)
        self.timer = timer
        loop.timers.arm(timer, at: loop.now + Self.interval)
    }

    func timerFired(_ timer: TimerWheel.Timer) {
        followers.removeAll { $0.answer.isUnwanted }
        guard !followers.isEmpty else { return }
        do {
            if followers.contains(where: { $0.filter == nil }) {
                let event = Self.event("now", now())
                for follower in followers where follower.filter == nil {
                    follower.answer.give(.piece(event))
                }
            }
            for index in followers.indices { try sendRecords(to: &followers[index]) }
        } catch {
            store = nil
            let event = Self.event("fault", .members(["error": .string("\(error)")]))
            for follower in followers { follower.answer.give(.piece(event)) }
        }
        arm()
    }

    private func sendRecords(to follower: inout Follower) throws {
        guard let filter = follower.filter else { return }
        let last = try opened().lastNumber()
        // A comment finds out whether the page is still there.
        var bytes = Array(": \n\n".utf8)
        if last > filter.after ?? 0 {
            let records = try opened().records(filter, limit: Self.tailMax)
            for record in records.reversed() {
                bytes += Self.event("call", record.json(showsContent: showsContent))
            }
            follower.filter?.after = last
        }
        follower.answer.give(.piece(bytes))
    }

    private static func event(_ name: String, _ value: JSONValue) -> [UInt8] {
        Array("event: \(name)\ndata: \(value)\n\n".utf8)
    }
}
