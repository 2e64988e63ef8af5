import CCurl
import Primitives

/// The header fields of one request in the form libcurl takes, a linked list of C strings.
///
/// libcurl searches its list once for every field it might add by itself, some twelve times a
/// request, and prints each entry anew. So all fields stand in one entry, lines and their ends
/// included, which libcurl sends as it is; the entries after it, names without a value, make it
/// add none of its own. The memory is the transfer's and serves its next request too.
///
/// Nothing is checked here: names and values have no control bytes, because the request parser and
/// the configuration let none pass.
@safe
public struct HeaderList: ~Copyable {
    /// Fields that libcurl would add to a request, taken out.
    ///
    /// The first goes with tunnels alone, which have no framing. The second goes with them and with
    /// large bodies, which would wait up to a second for a permission that no vendor sends: libcurl
    /// compares every name it looks for with every entry.
    private static let suppressed: [StaticString] = [
        "Transfer-Encoding:", "Expect:", "Accept:", "Content-Type:",
    ]
    /// Bodies that libcurl may ask a permission for; it begins at 1 MB.
    private static let largeBytesMin = 64 << 10

    private var text = ByteBuffer()
    /// Whether there is one field and it has no value: libcurl would leave it out.
    private var isValueless = false
    private let nodes: UnsafeMutablePointer<curl_slist>

    init() {
        let count = Self.suppressed.count
        unsafe nodes = .allocate(capacity: count + 1)
        for (index, name) in Self.suppressed.enumerated() {
            // A literal lives as long as the process, and libcurl only reads its entries.
            let data = unsafe UnsafeMutableRawPointer(mutating: name.utf8Start)
                .assumingMemoryBound(to: CChar.self)
            let next = unsafe index + 1 < count ? nodes + index + 2 : nil
            unsafe (nodes + index + 1).initialize(to: curl_slist(data: data, next: next))
        }
    }

    deinit {
        unsafe nodes.deallocate()
    }

    /// Drops all fields and keeps the memory.
    public mutating func removeAll() {
        text.removeAll()
        isValueless = false
    }

    /// Adds a field.
    public mutating func add(_ name: Span<UInt8>, _ value: Span<UInt8>) {
        separate(isValueless: value.isEmpty)
        text.append(name)
        text.append(": ")
        text.append(value)
    }

    /// Adds a field from texts.
    public mutating func add(name: String, value: String) {
        separate(isValueless: value.isEmpty)
        text.append(text: name)
        text.append(": ")
        text.append(text: value)
    }

    private mutating func separate(isValueless: Bool) {
        self.isValueless = isValueless && text.isEmpty
        if !text.isEmpty { text.append("\r\n") }
    }

    /// Links the entries for a body of so many bytes, nil where it is unknown.
    ///
    /// Valid until the list is next changed.
    mutating func linked(bodyBytes: Int?) -> UnsafeMutablePointer<curl_slist> {
        let isLarge = bodyBytes.map { $0 >= Self.largeBytesMin } ?? true
        return unsafe link(before: isLarge ? nodes + 2 : nodes + 3)
    }

    /// Links the entries for a tunnel; valid as the other list is.
    mutating func linkedForTunnel() -> UnsafeMutablePointer<curl_slist> {
        unsafe link(before: nodes + 1)
    }

    private mutating func link(
        before suppressing: UnsafeMutablePointer<curl_slist>
    ) -> UnsafeMutablePointer<curl_slist> {
        guard !text.isEmpty else { return unsafe suppressing }
        if isValueless {
            // A semicolon in the colon's stead is libcurl's way to say that the value is empty.
            text.truncate(to: text.count - 2)
            text.append(";")
        }
        text.append(byte: 0)
        let data = unsafe UnsafeMutableRawPointer(mutating: text.pointer.baseAddress)?
            .assumingMemoryBound(to: CChar.self)
        unsafe nodes.initialize(to: curl_slist(data: data, next: suppressing))
        return unsafe nodes
    }
}
