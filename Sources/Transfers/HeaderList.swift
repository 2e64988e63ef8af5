import CCurl
import Primitives

/// The header lines of one request in the form libcurl takes, a linked list of C strings, built in
/// two runs of memory that the transfer keeps: no allocation per line.
@safe
public struct HeaderList: ~Copyable {
    private var text = ByteBuffer()
    private var starts: ContiguousArray<Int> = []
    private var nodes: UnsafeMutablePointer<curl_slist>?
    private var nodesCapacity = 0

    init() {
        unsafe nodes = nil
    }

    deinit {
        unsafe nodes?.deallocate()
    }

    /// Drops all lines and keeps the memory.
    public mutating func removeAll() {
        text.removeAll()
        starts.removeAll(keepingCapacity: true)
    }

    /// Adds a field. An empty value is sent as such: libcurl's own sign for it is a semicolon.
    public mutating func add(_ name: Span<UInt8>, _ value: Span<UInt8>) {
        starts.append(text.count)
        text.append(name)
        if value.count == 0 {
            text.append(";\0")
        } else {
            text.append(": ")
            text.append(value)
            text.append(byte: 0)
        }
    }

    /// Adds a field from texts.
    public mutating func add(name: String, value: String) {
        starts.append(text.count)
        text.append(text: name)
        text.append(value.isEmpty ? ";" : ": ")
        text.append(text: value)
        text.append(byte: 0)
    }

    /// Adds a line as libcurl understands it: `Name:` alone takes one of its own fields out.
    public mutating func add(line: StaticString) {
        starts.append(text.count)
        text.append(line)
        text.append(byte: 0)
    }

    /// Links the lines. Valid until the list is next changed.
    mutating func linked() -> UnsafeMutablePointer<curl_slist>? {
        let count = starts.count
        guard count > 0 else { return nil }
        if count > nodesCapacity {
            unsafe nodes?.deallocate()
            nodesCapacity = max(32, count * 2)
            unsafe nodes = .allocate(capacity: nodesCapacity)
        }
        guard let nodes = unsafe nodes, let base = unsafe text.pointer.baseAddress else { return nil }
        for index in 0..<count {
            let line = unsafe base + starts[index]
            let data = unsafe UnsafeMutableRawPointer(mutating: line).assumingMemoryBound(to: CChar.self)
            let next = unsafe index + 1 < count ? nodes + index + 1 : nil
            unsafe (nodes + index).initialize(to: curl_slist(data: data, next: next))
        }
        return unsafe nodes
    }
}
