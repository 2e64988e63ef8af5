import ExchangeCore
import Glibc
import Primitives
import Synchronization
import Testing

@testable import Transfers

@Suite("Address book")
struct AddressBookTests {
    private final class Answers: Sendable {
        let next = Mutex<Result<[String], AddressBook.LookupError>>(.success(["10.0.0.1"]))
    }

    private static func book(_ answers: Answers) throws -> AddressBook {
        try AddressBook(hosts: ["api.example.com"]) { _ in answers.next.withLock { $0 } }
    }

    @Test("knows nothing until it has asked, then the addresses")
    func resolution() throws {
        let book = try Self.book(Answers())
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
        let book = try Self.book(answers)
        let entry = try #require(book.entry(for: "api.example.com"))
        _ = book.refresh()
        let first = entry.generation
        _ = book.refresh()
        #expect(entry.generation == first)
        answers.next.withLock { $0 = .success(["10.0.0.2"]) }
        _ = book.refresh()
        #expect(entry.generation != first)
    }

    @Test("adopts other names: keeps those that stay, and never gives a number twice")
    func names() throws {
        let answers = Answers()
        let book = try Self.book(answers)
        let first = try #require(book.entry(for: "api.example.com"))
        _ = book.refresh()
        try book.adopt(["api.example.com", "eu.example.com"])
        defer { book.stop() }
        #expect(book.entry(for: "api.example.com") === first)
        #expect(book.entry(for: "eu.example.com") != nil)
        try book.adopt(["eu.example.com"])
        #expect(book.entry(for: "api.example.com") == nil)
        try book.adopt(["api.example.com"])
        let again = try #require(book.entry(for: "api.example.com"))
        _ = book.refresh()
        #expect(again !== first)
        #expect(again.generation != first.generation)
    }

    @Test("asks for a new name at once, and not after the pause between two rounds")
    func promptly() throws {
        let asked = Mutex<[String: Instant]>([:])
        func isAsked(_ name: String) -> Instant? { asked.withLock { $0[name] } }
        let book = try AddressBook(hosts: ["api.example.com"]) { name in
            asked.withLock { $0[name] = $0[name] ?? Instant.now() }
            return .success(["10.0.0.1"])
        }
        try book.start()
        defer { book.stop() }
        while isAsked("api.example.com") == nil { poll(nil, 0, 1) }
        let began = Instant.now()
        try book.adopt(["eu.example.com"])
        while isAsked("eu.example.com") == nil { poll(nil, 0, 1) }
        // A round is half a minute.
        #expect(try #require(isAsked("eu.example.com")) - began < .seconds(15))
    }

    @Test("keeps the last good answer through an outage of the resolver")
    func outage() throws {
        let answers = Answers()
        let book = try Self.book(answers)
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
        for (scheme, port, text) in [
            ("http", 80, "http://a"), ("https", 443, "https://a"), ("http", 443, "http://a:443"),
            ("https", 80, "https://a:80"),
        ] { #expect(Endpoint.Origin(scheme: scheme, host: "a", port: port).text == text) }
    }

    @Test("that are retired go, and their handles at rest with them")
    func retirement() throws {
        let origin = Endpoint.Origin(scheme: "http", host: "127.0.0.1", port: 80)
        var endpoint = Endpoint(name: "a", origin: origin, index: 0, trust: nil, addresses: nil)
        weak let known = endpoint
        let transfer = try #require(endpoint.flatMap { Transfer(endpoint: $0) })
        endpoint?.restingTransfers.append(consume transfer)
        endpoint?.retire()
        endpoint = nil
        #expect(known == nil)
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

@Suite("Origins' indexes")
struct OriginIndexesTests {
    @Test("are the same for the same origin, and stay")
    func indexes() {
        func origin(_ port: Int) -> Endpoint.Origin {
            Endpoint.Origin(scheme: "http", host: "127.0.0.1", port: port)
        }
        var indexes = OriginIndexes()
        #expect(indexes.index(of: origin(1)) == 0)
        #expect(indexes.index(of: origin(2)) == 1)
        #expect(indexes.index(of: origin(1)) == 0)
        #expect(indexes.index(of: origin(3)) == 2)
    }
}

@Suite("Codes of libcurl")
struct CurlCodeTests {
    @Test("keep libcurl's names")
    func names() {
        #expect(CurlCode.couldNotConnect.name == "CURLE_COULDNT_CONNECT")
        #expect(CurlCode.couldNotConnect.rawValue == 7)
        #expect(CurlCode(rawValue: 94).name == "CURLcode 94")
        #expect(CurlCode.operationTimedOut.explained.hasPrefix("CURLE_OPERATION_TIMEDOUT ("))
        #expect(Curl.version.contains("libcurl/"))
    }
}
