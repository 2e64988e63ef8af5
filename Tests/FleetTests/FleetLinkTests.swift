import Glibc
import Primitives
import Support
import Telemetry
import Testing

@testable import Access
@testable import Fleet

@Suite(
    "The link to the store",
    .disabled(if: QuickRun.isOn, "the quick ring installs no Redis server"))
struct FleetLinkTests {
    private static func url(_ redis: RedisProcess) -> String { "redis://127.0.0.1:\(redis.port)" }

    @Test("two gateways admit as much as one, and the last requests find their way")
    func rates() throws {
        let redis = try RedisProcess()
        let replicas = try (0..<2).map { _ in
            try LinkedReplica(Self.url(redis), "requests = \"100/31d\"")
        }
        var admitted = 0
        let isDone = Patience.await {
            for replica in replicas where replica.admit() == nil { admitted += 1 }
            return admitted >= 100
        }
        #expect(isDone && admitted == 100)
        let isFull = Patience.await { replicas.allSatisfy { $0.admit()?.reason == .used } }
        #expect(isFull && admitted == 100)
    }

    @Test("a script that the server forgot is loaded once, and nothing is decided wrongly")
    func forgottenScript() throws {
        let redis = try RedisProcess()
        let replica = try LinkedReplica(Self.url(redis), "requests = \"1000/31d\"")
        #expect(Patience.await { !replica.isAway })
        #expect(replica.metrics.scriptLoads.current == 1)
        var admitted = 0
        for _ in 0..<3 {
            let loads = replica.metrics.scriptLoads.current
            try redis.ask(["SCRIPT", "FLUSH"])
            let isLoaded = Patience.await {
                if replica.admit() == nil { admitted += 1 }
                return replica.metrics.scriptLoads.current > loads
            }
            #expect(isLoaded && replica.metrics.scriptLoads.current == loads + 1)
        }
        #expect(
            Patience.await {
                replica.admit()?.reason == .used
                    || {
                        admitted += 1; return false
                    }()
            })
        #expect(admitted == 1000 && replica.metrics.losses.current == 0)
    }

    @Test(
        "a store that hangs or is gone is said to be away, and is found again by itself",
        arguments: [SIGSTOP, SIGKILL])
    func away(_ number: Int32) throws {
        let redis = try RedisProcess()
        let replica = try LinkedReplica(Self.url(redis), "requests = \"100/31d\"")
        #expect(Patience.await { replica.metrics.isReached.current == 1 })
        redis.signal(number)
        // A request is decided in any case, and at once.
        var slowest = Interval.zero
        let isAway = Patience.await {
            let began = Instant.now()
            _ = replica.admit()
            slowest = max(slowest, Instant.now() - began)
            return replica.isAway
        }
        #expect(isAway && slowest < StoreContact.patience)
        #expect(replica.shows("is away") && replica.shows("outage = \"last_share\""))
        if number == SIGSTOP {
            redis.signal(SIGCONT)
        } else {
            redis.kill()
            try redis.start()
        }
        #expect(Patience.await { !replica.isAway })
        #expect(replica.metrics.losses.current == 1 && replica.metrics.currentTrouble.isEmpty)
        #expect(replica.log.all.count { $0.contains("is reached") } == 2)
    }

    @Test("a store that may forget is warned about once")
    func eviction() throws {
        let redis = try RedisProcess(["--maxmemory-policy", "allkeys-lru"])
        let replica = try LinkedReplica(Self.url(redis), "requests = \"100/31d\"")
        #expect(Patience.await { replica.shows("allkeys-lru") })
        #expect(replica.log.all.count { $0.contains("may forget") } == 1)
        #expect(Patience.await { !replica.isAway })
    }

    @Test("a password is shown to the store alone")
    func password() throws {
        let redis = try RedisProcess(["--requirepass", "store-canary"])
        let good = try LinkedReplica(
            "redis://:store-canary@127.0.0.1:\(redis.port)", "requests = \"100/31d\"")
        #expect(Patience.await { !good.isAway })
        let wrong = try LinkedReplica(
            "redis://:wrong-canary@127.0.0.1:\(redis.port)", "requests = \"100/31d\"")
        #expect(Patience.await { wrong.shows("WRONGPASS") })
        #expect(!good.shows("canary") && !wrong.shows("canary") && wrong.isAway)
    }

    @Test(
        "what says other things than a store is away, and repeats no password",
        arguments: [
            "HTTP/1.1 400 Bad Request\r\n\r\n", "-ERR you said secret-canary\r\n+OK\r\n",
            "+OK\r\n+too short\r\n", "+OK\r\n*2147483647\r\n", "+OK\r\n:1\r\n", "",
        ])
    func stranger(_ words: String) throws {
        let server = try ByteVendor { connection, _ in
            try connection.send(words)
            _ = try connection.takeToEnd()
        }
        defer { server.stop() }
        let replica = try LinkedReplica(
            "redis://:secret-canary@127.0.0.1:\(server.port)", "requests = \"100/31d\"")
        #expect(Patience.await { replica.shows("is away") })
        #expect(replica.isAway && !replica.shows("canary"))
        #expect(replica.admit()?.reason == .storeAway)
    }

    @Test("over TLS the store has to show a certificate of the right authority and name")
    func encryption() throws {
        let certificate = try TestCertificate(names: "DNS:localhost,IP:127.0.0.1")
        let other = try TestCertificate(names: "DNS:elsewhere")
        let (redis, port) = try Self.encrypted(certificate)
        let (second, elsewhere) = try Self.encrypted(other)
        defer { withExtendedLifetime((redis, second)) {} }
        for host in ["localhost", "127.0.0.1"] {
            let good = try LinkedReplica(
                "rediss://\(host):\(port)", "requests = \"100/31d\"", caFile: certificate.chain)
            #expect(Patience.await { good.metrics.answers.current > 0 })
        }
        for (host, port, authority) in [
            ("localhost", port, other.chain), ("localhost", elsewhere, other.chain),
            ("127.0.0.1", elsewhere, other.chain),
        ] {
            let wrong = try LinkedReplica(
                "rediss://\(host):\(port)", "requests = \"100/31d\"", outage: "closed",
                caFile: authority)
            #expect(Patience.await { wrong.shows("the store's certificate: ") })
            #expect(wrong.isAway && wrong.admit()?.reason == .storeAway)
        }
    }

    @Test("a store that speaks no TLS behind rediss:// is away, and the reason names TLS")
    func plainStore() throws {
        let redis = try RedisProcess()
        let replica = try LinkedReplica(
            "rediss://127.0.0.1:\(redis.port)", "requests = \"100/31d\"", outage: "closed")
        #expect(Patience.await { replica.shows("the handshake of TLS") })
        #expect(replica.isAway && replica.admit()?.reason == .storeAway)
    }

    /// A server that speaks TLS, and its port.
    private static func encrypted(
        _ certificate: TestCertificate
    ) throws -> (redis: RedisProcess, port: Int) {
        let port = try ByteVendor.closedPort()
        let redis = try RedisProcess([
            "--tls-port", "\(port)", "--tls-cert-file", certificate.chain, "--tls-key-file",
            certificate.key, "--tls-ca-cert-file", certificate.chain, "--tls-auth-clients", "no",
        ])
        return (redis, port)
    }
}
