import Glibc
import Support

/// A ClickHouse server from the distribution's packages, on a free port, gone with the test.
final class ClickHouseProcess {
    static let password = "of-this-test"

    let port: Int
    private let folder: TemporaryFolder
    private var process: ChildProcess?

    init() throws {
        folder = try TemporaryFolder()
        port = try ByteVendor.closedPort()
        _ = try folder.write(
            """
            <yandex><profiles><default/></profiles><quotas><default/></quotas><users><default>
            <password>\(Self.password)</password><networks><ip>127.0.0.1</ip></networks>
            <profile>default</profile><quota>default</quota></default></users></yandex>
            """, to: "users.xml")
        _ = try folder.write(
            """
            <yandex><logger><level>error</level><console>1</console></logger>
            <http_port>\(port)</http_port><listen_host>127.0.0.1</listen_host>
            <path>\(folder.path)/data/</path><tmp_path>\(folder.path)/tmp/</tmp_path>
            <users_config>users.xml</users_config><default_profile>default</default_profile>
            <default_database>default</default_database>
            <mark_cache_size>67108864</mark_cache_size></yandex>
            """, to: "config.xml")
        try start()
    }

    func start() throws {
        process = try ChildProcess(
            "/usr/sbin/clickhouse-server", ["--config-file=\(folder.path)/config.xml"])
        if Patience.await(everyMilliseconds: 50, { (try? ask("SELECT 1")) == "1" }) { return }
        throw RawConnection.Failure.timedOut("ClickHouse to answer: \(process?.text ?? "")")
    }

    func stop() {
        // Its end in order takes seconds, and nothing here depends on it.
        process?.signal(SIGKILL)
        _ = try? process?.wait()
    }

    /// What the server answers to a question, without the line's end.
    func ask(_ question: String) throws -> String {
        let response = try RawConnection(port: port).exchange(
            "POST / HTTP/1.1\r\nHost: localhost\r\nX-ClickHouse-User: default\r\nX-ClickHouse-Key: "
                + "\(Self.password)\r\nConnection: close\r\nContent-Length: "
                + "\(question.utf8.count)\r\n\r\n\(question)")
        guard response.status == 200 else { throw RawConnection.Failure.broken(response.text) }
        return response.text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    }
}
