import Gateway
import Primitives
import Reactor
import Synchronization

/// The way to the page's thread, which is started with the first question: a gateway whose page is
/// never opened has neither the thread nor its database.
final class PageQueries: Sendable {
    private struct Order: Sendable {
        let question: PageQuestion
        let answer: LaterAnswer
    }

    /// Questions that may wait: a page asks for one thing at a time.
    private static let waitingMax = 256

    private let folder: String
    private let status: GatewayStatus
    private let showsContent: Bool
    private let mailbox = Mutex<Mailbox<Order>?>(nil)

    init(folder: String, status: GatewayStatus, showsContent: Bool) {
        self.folder = folder
        self.status = status
        self.showsContent = showsContent
    }

    /// Has a question answered; never waits.
    func ask(_ question: PageQuestion, _ answer: LaterAnswer) {
        do {
            let order = Order(question: question, answer: answer)
            if try started().post(order) { return }
            answer.give(.whole(PageAnswers.fault(503, "too many questions wait already")))
        } catch {
            answer.give(.whole(PageAnswers.fault(503, "\(error)")))
        }
    }

    private func started() throws(SystemError) -> Mailbox<Order> {
        try mailbox.withLock { current throws(SystemError) in
            if let current { return current }
            let desk = LoopOwned<PageDesk>()
            let made = try Mailbox<Order>(capacity: Self.waitingMax) {
                desk.value?.answer($0.question, $0.answer)
            }
            let (folder, status, showsContent) = (folder, status, showsContent)
            // It ends with the process: nothing waits for it. Where processors are scarce a page is
            // slow before a call is: a tenth of a thread that serves calls.
            try Thread(name: "weir-page", standing: .background(niceness: 10)) {
                guard let loop = try? EventLoop() else { return }
                let own = PageDesk(
                    folder: folder, status: status, showsContent: showsContent, on: loop)
                desk.value = own
                made.open(on: loop)
                withExtendedLifetime(own) { loop.run() }
            }.detach()
            current = made
            return made
        }
    }
}
