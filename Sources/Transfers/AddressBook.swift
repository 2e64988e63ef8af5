import Glibc
import Primitives
public import Reactor
import Synchronization

/// Looks up the names of vendors in the background, so that a slow resolver never stalls a worker.
///
/// By itself libcurl starts a thread with two descriptors for every cold lookup, and never shares
/// the lookups of one name. Here one thread asks for each name every half minute, and keeps the
/// last good answer when the resolver fails: an outage of DNS is no fault of the vendors.
public final class AddressBook: Sendable {
    /// What is known of one name.
    public final class Entry: Sendable {
        enum State: Sendable {
            /// Not answered yet: libcurl looks the name up itself.
            case pending
            /// The resolver said that there is none, or did not answer.
            case failed(String)
            /// Addresses, with a number that changes with them.
            case resolved([String], generation: Int)
        }

        /// The name.
        public let host: String
        private let current = Mutex<State>(.pending)
        private let order = Mutex(AddressOrder())
        private let changes = Atomic<Int>(0)
        /// Numbers are given out once in a process: a name that leaves the book and comes back has
        /// new ones, and lanes that knew it before get its addresses again.
        private static let numbers = Atomic<Int>(0)

        init(host: String) {
            self.host = host
        }

        /// Changes whenever the addresses do; read on the data path.
        var generation: Int { changes.load(ordering: .acquiring) }
        var state: State { current.withLock { $0 } }

        /// Why the name has no addresses; nil when it has, or before the first lookup ends.
        public var failure: String? {
            if case .failed(let reason) = state { return reason }
            return nil
        }

        /// The addresses in the order for the connection that is made as the `turn`th.
        func list(turn: Int, now: Instant) -> [String] {
            order.withLock { $0.list(turn: turn, now: now) }
        }

        /// Takes what was learnt of addresses that were tried.
        func learn(_ tried: TriedAddresses.Outcome?, now: Instant) {
            guard let tried else { return }
            order.withLock { order in
                for address in tried.failed { order.failed(address, at: now) }
                if let connected = tried.connected { order.connected(connected) }
            }
        }

        /// Takes an answer.
        ///
        /// Returns whether the name resolves.
        func publish(_ answer: Result<[String], LookupError>) {
            current.withLock { state in
                switch (answer, state) {
                case (.success(let list), _):
                    guard order.withLock({ $0.adopt(list) }) else { return }
                    let next = Self.numbers.add(1, ordering: .relaxed).newValue
                    state = .resolved(list, generation: next)
                    changes.store(next, ordering: .releasing)
                case (.failure, .resolved):
                    break  // The last good answer stays.
                case (.failure(let error), _):
                    state = .failed(error.reason)
                }
            }
        }
    }

    struct LookupError: Error {
        let reason: String
    }

    private static let refreshPeriod = Interval.seconds(30)
    private static let retryPeriod = Interval.seconds(2)

    private let entries: Mutex<[Entry]>
    private let isStopped = Atomic<Bool>(false)
    private let running = Atomic<Bool>(false)
    private let hasNews = Atomic<Bool>(false)
    private let waker: Waker
    private let lookup: @Sendable (String) -> Result<[String], LookupError>

    /// A book of these names, each at most once.
    public convenience init(hosts: Set<String>) throws(SystemError) {
        try self.init(hosts: hosts, lookup: Self.resolve)
    }

    init(
        hosts: Set<String>, lookup: @escaping @Sendable (String) -> Result<[String], LookupError>
    ) throws(SystemError) {
        entries = Mutex(hosts.sorted().map(Entry.init))
        waker = try Waker()
        self.lookup = lookup
    }

    /// What is known of a name.
    public func entry(for host: String) -> Entry? {
        entries.withLock { $0.first { $0.host == host } }
    }

    /// Makes these the names of the book.
    ///
    /// The addresses of a name that stays are kept; a new name is looked up at once. The entry of
    /// a removed name stays as it is with the endpoints that hold it.
    public func adopt(_ hosts: Set<String>) throws(SystemError) {
        // First, because without a thread no name is looked up.
        if !hosts.isEmpty { try run() }
        entries.withLock { entries in
            let known = Set(entries.map(\.host))
            entries.removeAll { !hosts.contains($0.host) }
            entries += hosts.subtracting(known).sorted().map(Entry.init)
        }
        hasNews.store(true, ordering: .releasing)
        waker.wake()
    }

    /// Asks for every name once, then again and again on a thread of its own until the process
    /// ends.
    public func start() throws(SystemError) {
        if !entries.withLock({ $0.isEmpty }) { try run() }
    }

    /// From one thread at a time.
    private func run() throws(SystemError) {
        guard !running.load(ordering: .relaxed) else { return }
        let thread = try Thread(name: "weir-dns") { [self] in
            while !isStopped.load(ordering: .relaxed) {
                hasNews.store(false, ordering: .relaxed)
                let pause = refresh() ? Self.refreshPeriod : Self.retryPeriod
                waker.sleep(atMost: pause) { hasNews.load(ordering: .acquiring) }
            }
        }
        running.store(true, ordering: .relaxed)
        // A lookup can take as long as the resolver likes, so the book does not join the thread.
        thread.detach()
    }

    /// Ends the thread, after its current lookup.
    public func stop() {
        isStopped.store(true, ordering: .relaxed)
        hasNews.store(true, ordering: .releasing)
        waker.wake()
    }

    func refresh() -> Bool {
        var allResolved = true
        for entry in entries.withLock({ $0 }) {
            entry.publish(lookup(entry.host))
            if entry.failure != nil { allResolved = false }
        }
        return allResolved
    }

    /// An address as it is written, an IPv6 one in brackets; nil where the kernel cannot write it.
    static func text(of address: UnsafePointer<sockaddr>?, _ length: socklen_t) -> String? {
        var name = [CChar](repeating: 0, count: 64)
        guard
            unsafe getnameinfo(
                address, length, &name, socklen_t(name.count), nil, 0, NI_NUMERICHOST) == 0
        else { return nil }
        let bytes = name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
        let text = String(decoding: bytes, as: UTF8.self)
        return text.contains(":") ? "[\(text)]" : text
    }

    private static func resolve(_ host: String) -> Result<[String], LookupError> {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(host, nil, &hints, &list)
        guard code == 0 else {
            return .failure(LookupError(reason: unsafe String(cString: gai_strerror(code))))
        }
        defer { unsafe freeaddrinfo(list) }
        var texts: [String] = []
        var next = unsafe list
        while let info = unsafe next {
            if let text = unsafe text(of: info.pointee.ai_addr, info.pointee.ai_addrlen) {
                texts.append(text)
            }
            unsafe next = info.pointee.ai_next
        }
        var seen: Set<String> = []
        let all = texts.filter { seen.insert($0).inserted }
        return all.isEmpty ? .failure(LookupError(reason: "no addresses")) : .success(all)
    }
}
