import Config
import Gateway
import HTTP
import JSON
import LogStore
import Logging
import Primitives
import Reactor
import Routing
import Support
import Telemetry
import Testing
import Transfers

@testable import Dashboard

/// The operators' listener on a thread of this process, with a record that holds nothing yet.
private final class TestPages: Sendable {
    let port: Int
    private let folder: ScratchFolder
    private let mailbox: Mailbox<WorkerOrder>
    private let thread: Reactor.Thread

    init(token: String? = nil, isOnLoopback: Bool = true) throws {
        let folder = try ScratchFolder("page")
        self.folder = folder
        try Store(folder: folder.path).close()
        let address = try #require(SocketAddress("127.0.0.1:0"))
        let descriptor = try Socket.listen(on: address, reusePort: false)
        port = try SocketAddress(boundTo: descriptor).port
        let slot = LoopOwned<Worker>()
        let mailbox = try Mailbox<WorkerOrder> { slot.value?.obey($0) }
        self.mailbox = mailbox
        thread = try Reactor.Thread(name: "pages") {
            guard let loop = try? EventLoop() else { return }
            mailbox.open(on: loop)
            var settings = OperatorPages.Settings()
            settings.token = token.map { Secret($0) }
            settings.isOnLoopback = isOnLoopback
            settings.recordFolder = folder.path
            let worker = Self.worker(Self.pages(settings), on: loop)
            slot.value = worker
            worker.listen(on: descriptor, onLoopback: true)
            withExtendedLifetime(worker) { loop.run() }
        }
    }

    private static func pages(_ settings: OperatorPages.Settings) -> OperatorPages {
        let configuration = Configuration()
        let routing = RoutingTable(configuration)
        let facts = GatewayFacts()
        facts.started(
            GatewayFacts.Process(),
            GatewayFacts.Running(
                configuration, digest: "", routing: routing,
                health: Health(targetCount: routing.targetCount)))
        let workers = [WorkerMetrics(vendors: configuration.vendors.map(\.name))]
        return OperatorPages(
            settings, workers: workers, readiness: OperatorPages.Readiness(),
            exposition: Exposition(workers: workers, version: "1"),
            status: GatewayStatus(facts: facts, workers: workers), facts: facts, records: nil)
    }

    private static func worker(_ pages: OperatorPages, on loop: EventLoop) -> Worker {
        var none = Configuration()
        none.vendors = []
        let settings = WorkerSettings(
            server: none.server,
            admission: Admission(connectionsMax: 64, bodies: BodyBudget(bytesMax: 1 << 20)),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        return Worker(
            settings: settings, metrics: WorkerMetrics(vendors: []), loop: loop,
            snapshot: SnapshotPlan(
                routing: RoutingTable(none), health: Health(targetCount: 0), endpoints: []),
            responder: pages)
    }

    deinit {
        mailbox.post(.stop)
        thread.join()
    }

    func get(_ path: String, _ fields: String = "") throws -> RawResponse {
        try RawConnection(port: port).exchange(
            "GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\(fields)\r\n")
    }
}

@Suite("The operators' pages")
struct OperatorPagesTests {
    @Test("are files of the program's own, with a policy that lets nothing else in")
    func assets() throws {
        let pages = try TestPages()
        for (path, type, words) in [
            ("/", "text/html; charset=utf-8", "<main id=\"main\""),
            ("/login", "text/html; charset=utf-8", "type=\"password\""),
            ("/style.css", "text/css; charset=utf-8", "prefers-color-scheme"),
            ("/dom.js", "text/javascript; charset=utf-8", "export function"),
            ("/app.js", "text/javascript; charset=utf-8", "EventSource"),
            ("/views.js", "text/javascript; charset=utf-8", "export async function now"),
            ("/call.js", "text/javascript; charset=utf-8", "export async function call"),
        ] {
            let page = try pages.get(path)
            #expect(page.status == 200 && page["content-type"] == type, "\(path)")
            #expect(page.text.contains(words), "\(path)")
            #expect(page["content-security-policy"]?.contains("script-src 'self'") == true)
            #expect(page["x-content-type-options"] == "nosniff")
        }
        // What the policy would refuse is not there in the first instance.
        for path in ["/", "/login"] {
            let text = try pages.get(path).text
            for word in ["<style", "style=", "onclick", "http://", "https://"] {
                #expect(!text.contains(word), "\(path): \(word)")
            }
        }
        for path in ["/dom.js", "/app.js", "/views.js", "/call.js"] {
            let text = try pages.get(path).text
            for word in ["innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "document.write"]
            {
                #expect(!text.contains(word), "\(path): \(word)")
            }
        }
        #expect(try pages.get("/nothing").status == 404)
    }

    @Test("are answered by another thread where the record is asked, in the order of the questions")
    func later() throws {
        let pages = try TestPages()
        let calls = try pages.get("/api/calls?limit=5")
        #expect(calls.status == 200)
        #expect(try JSONValue(parsing: calls.text)["calls"] == .array([]))
        let now = try JSONValue(parsing: pages.get("/api/now").text)
        #expect(now["minutes"]?.elements?.count == 60)
        #expect(now["failures"] == .array([]) && now["record_fault"]?.text == "")
        let spend = try JSONValue(parsing: pages.get("/api/spend").text)
        #expect(spend["by"]?["group"] == .array([]) && spend["days"]?.elements?.count == 8)
        let client = try RawConnection(port: pages.port)
        var text = ""
        for path in ["/api/stats", "/api/status", "/api/days", "/healthz", "/api/sessions"] {
            text += "GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n"
        }
        try client.send(text)
        for words in ["\"lines\"", "\"version\"", "\"days\"", "ok", "\"sessions\""] {
            #expect(try client.response().text.contains(words), "\(words)")
        }
        #expect(try pages.get("/api/calls/01ABCDEF").status == 404)
        #expect(try pages.get("/api/calls/01ABCDEF/request").status == 403)
        #expect(try pages.get("/api/session?name=x").status == 404)
        #expect(try pages.get("/api/calls?limit=none").status == 400)
        #expect(try pages.get("/api/route?path=/v1/models").text.contains("\"served\":true"))
    }

    @Test("that follow get events until they leave; only so many may")
    func followers() throws {
        let pages = try TestPages()
        func follow() throws -> RawConnection {
            let client = try RawConnection(port: pages.port)
            try client.send("GET /api/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return client
        }
        var clients: [RawConnection] = []
        for _ in 0..<32 {
            let client = try follow()
            #expect(try client.take(through: "event: now").contains("text/event-stream"))
            clients.append(client)
        }
        #expect(try follow().response().status == 503)
        _ = try clients[0].take(through: "event: now")
        for client in clients.dropFirst() { client.reset() }
        // Those that have left make room, as soon as an event finds out.
        let isRoom = try Patience.await(everyMilliseconds: 50) {
            let client = try follow()
            return try client.take(through: "\r\n").contains("200")
        }
        #expect(isRoom)
        // One that has left makes room for one.
        let isTailed = try Patience.await(everyMilliseconds: 50) {
            let tail = try RawConnection(port: pages.port)
            try tail.send("GET /api/tail?vendor=a HTTP/1.0\r\nHost: localhost\r\n\r\n")
            let head = try tail.take(through: "\r\n\r\n")
            guard head.contains("200 OK") else { return false }
            _ = try tail.take(through: ": weir")
            return !head.contains("chunked")
        }
        #expect(isTailed)
    }

    @Test("ask for the token once, and are closed to a network without one")
    func visitors() throws {
        let pages = try TestPages(token: "canary")
        #expect(try pages.get("/")["location"] == "/login")
        #expect(try pages.get("/api/status").status == 401)
        #expect(try pages.get("/metrics").status == 401)
        #expect(try pages.get("/healthz").status == 200)
        func logIn(_ token: String) throws -> RawResponse {
            let form = "token=\(token)"
            return try RawConnection(port: pages.port).exchange(
                "POST /login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                    + "Content-Length: \(form.utf8.count)\r\n\r\n\(form)")
        }
        #expect(try logIn("wrong")["set-cookie"] == nil)
        let cookie = try #require(try logIn("canary")["set-cookie"]?.split(separator: ";").first)
        #expect(try pages.get("/", "Cookie: \(cookie)\r\n").status == 200)
        #expect(try pages.get("/api/status", "Cookie: \(cookie)\r\n").status == 200)
        #expect(try pages.get("/api/status", "Authorization: Bearer canary\r\n").status == 200)
        let open = try TestPages(isOnLoopback: false)
        for path in ["/", "/login", "/api/status", "/api/calls"] {
            #expect(try open.get(path).status == 403, "\(path)")
        }
        #expect(try open.get("/metrics").status == 200)
    }
}
