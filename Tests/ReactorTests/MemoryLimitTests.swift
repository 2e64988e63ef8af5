import Testing

@testable import Reactor

@Suite("Memory limit")
struct MemoryLimitTests {
    struct Case: Sendable {
        let what: String
        let files: [String: String]
        let bytes: Int
    }

    private static let machine = 1 << 34

    private static let cases = [
        Case(what: "no control group", files: [:], bytes: machine),
        Case(
            what: "version 2, of a container",
            files: ["/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "536870912\n"],
            bytes: 512 << 20),
        Case(
            what: "version 2, without a limit",
            files: ["/proc/self/cgroup": "0::/a\n", "/sys/fs/cgroup/a/memory.max": "max\n"],
            bytes: machine),
        Case(
            what: "version 2, a group above has the smaller limit",
            files: [
                "/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/b/memory.max": "2000\n",
                "/sys/fs/cgroup/a/memory.max": "1000\n",
            ], bytes: 1000),
        Case(
            what: "version 2, the path is the host's",
            files: [
                "/proc/self/cgroup": "0::/docker/x\n", "/sys/fs/cgroup/memory.max": "3000\n",
            ], bytes: 3000),
        Case(
            what: "version 1",
            files: [
                "/proc/self/cgroup": "5:cpu,cpuacct:/x\n4:memory:/x\n1:name=systemd:/x\n",
                "/sys/fs/cgroup/memory/x/memory.limit_in_bytes": "4096\n",
            ], bytes: 4096),
        Case(
            what: "version 1, without a limit: more than the machine has",
            files: [
                "/proc/self/cgroup": "4:memory:/\n",
                "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            ], bytes: machine),
        Case(
            what: "files that say nothing",
            files: [
                "/proc/self/cgroup": "memory\n0::\n::\n", "/sys/fs/cgroup/memory.max": "-5 x\n",
            ], bytes: machine),
    ]

    @Test("the smallest of the machine's and the groups' limits", arguments: cases)
    func limits(_ test: Case) {
        #expect(
            MemoryLimit.bytes(machine: Self.machine) { test.files[$0] } == test.bytes,
            "\(test.what)")
    }

    @Test("of this process is some memory, and no more than the machine has")
    func thisProcess() {
        #expect(MemoryLimit.bytes > 1 << 20)
        #expect(MemoryLimit.bytes < 1 << 50)
    }
}
