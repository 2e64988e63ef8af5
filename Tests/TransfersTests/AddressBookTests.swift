import Synchronization
import Testing

@testable import Transfers

@Suite("Address book")
struct AddressBookTests {
    private final class Answers: Sendable {
        let next = Mutex<Result<[String], AddressBook.LookupError>>(.success(["10.0.0.1"]))
    }

    private static func book(_ answers: Answers) -> AddressBook {
        AddressBook(hosts: ["api.example.com"]) { _ in answers.next.withLock { $0 } }
    }

    @Test("knows nothing until it has asked, then the addresses")
    func resolution() throws {
        let book = Self.book(Answers())
        let entry = try #require(book.entry(for: "api.example.com"))
        guard case .pending = entry.state else {
            Issue.record("asked before it was started")
            return
        }
        #expect(book.refresh())
        guard case .resolved(["10.0.0.1"], let generation) = entry.state else {
            Issue.record("not resolved")
            return
        }
        #expect(generation == entry.generation)
        #expect(book.entry(for: "other.example.com") == nil)
    }

    @Test("changes its generation with the addresses alone")
    func generations() throws {
        let answers = Answers()
        let book = Self.book(answers)
        let entry = try #require(book.entry(for: "api.example.com"))
        _ = book.refresh()
        let first = entry.generation
        _ = book.refresh()
        #expect(entry.generation == first)
        answers.next.withLock { $0 = .success(["10.0.0.2"]) }
        _ = book.refresh()
        #expect(entry.generation != first)
    }

    @Test("keeps the last good answer through an outage of the resolver")
    func outage() throws {
        let answers = Answers()
        let book = Self.book(answers)
        let entry = try #require(book.entry(for: "api.example.com"))
        answers.next.withLock { $0 = .failure(AddressBook.LookupError(reason: "no such name")) }
        #expect(!book.refresh())
        #expect(entry.failure == "no such name")
        answers.next.withLock { $0 = .success(["10.0.0.1"]) }
        #expect(book.refresh())
        answers.next.withLock { $0 = .failure(AddressBook.LookupError(reason: "no answer")) }
        #expect(book.refresh())
        #expect(entry.failure == nil)
        guard case .resolved(["10.0.0.1"], _) = entry.state else {
            Issue.record("forgot a good answer")
            return
        }
    }
}

@Suite("Endpoints")
struct EndpointTests {
    @Test("know names from addresses")
    func origins() {
        func needs(_ host: String) -> Bool {
            Endpoint.Origin(scheme: "https", host: host, port: 443).needsResolution
        }
        #expect(needs("api.openai.com"))
        #expect(needs("localhost"))
        #expect(needs("1and1.com"))
        #expect(!needs("127.0.0.1"))
        #expect(!needs("[::1]"))
    }

    @Test("are made of what libcurl can parse")
    func parsing() {
        func endpoint(_ host: String) -> Endpoint? {
            Endpoint(
                name: "a", origin: Endpoint.Origin(scheme: "http", host: host, port: 80), index: 0,
                trust: nil, addresses: nil
            )
        }
        #expect(endpoint("[::1]") != nil)
        #expect(endpoint("api.example.com") != nil)
        #expect(endpoint("[") == nil)
    }
}

@Suite("Codes of libcurl")
struct CurlCodeTests {
    @Test("keep libcurl's names")
    func names() {
        #expect(CurlCode.couldNotConnect.name == "CURLE_COULDNT_CONNECT")
        #expect(CurlCode.couldNotConnect.rawValue == 7)
        #expect(CurlCode(rawValue: 94).name == "CURLcode 94")
        #expect(CurlCode.operationTimedOut.description.hasPrefix("CURLE_OPERATION_TIMEDOUT ("))
        #expect(Curl.version.contains("libcurl/"))
    }
}
