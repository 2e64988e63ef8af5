import HTTP
import Primitives

/// Who may see the page: a client that shows the token, or a browser that has shown it once.
///
/// On the control loop. A browser gets a name of random bytes, which no script can read and no
/// other site can have it send; the names end with the process.
struct PageVisitors {
    private static let namesMax = 64

    private var token: [UInt8]?
    /// Whether this machine alone can reach the listener.
    private let isOnLoopback: Bool
    private let isEncrypted: Bool
    private var names: [String] = []

    init(token: Secret?, isOnLoopback: Bool, isEncrypted: Bool) {
        self.token = token.map { Array($0.reveal().utf8) }
        self.isOnLoopback = isOnLoopback
        self.isEncrypted = isEncrypted
    }

    /// Asks for another token from now on; browsers that showed the one before are strangers again.
    mutating func adopt(token next: Secret) {
        let bytes = Array(next.reveal().utf8)
        guard token != nil, token != bytes else { return }
        token = bytes
        names = []
    }

    /// Whether there is a page at all: not for a whole network without a token.
    var hasPage: Bool { token != nil || isOnLoopback }

    /// Whether a request shows the token.
    func showsToken(_ head: borrowing RequestHead) -> Bool {
        guard let token else { return true }
        guard let shown = head.authorizationToken else { return false }
        return Self.isEqual(shown, token)
    }

    /// Whether a request may see the page.
    func isKnown(_ head: borrowing RequestHead) -> Bool {
        if showsToken(head) { return true }
        let cookieName = Self.cookieName(of: head)
        for field in head.fields where head.name(of: field).matchesIgnoringCase("cookie") {
            for pair in head.value(of: field).text.split(separator: ";") {
                let parts = pair.split(separator: "=", maxSplits: 1)
                guard parts.count == 2, parts[0].drop(while: { $0 == " " }) == cookieName
                else { continue }
                if names.contains(String(parts[1])) { return true }
            }
        }
        return false
    }

    /// The name of the cookie at the port that a browser asks.
    ///
    /// A browser sends cookies of a host to all of its ports: two gateways on one machine would
    /// overwrite each other's.
    private static func cookieName(of head: borrowing RequestHead) -> String {
        let host = head.fields.first { head.name(of: $0).matchesIgnoringCase("host") }
        guard let text = host.map({ head.value(of: $0).text }), let colon = text.lastIndex(of: ":"),
            let port = UInt16(text[colon...].dropFirst())
        else { return "weir_visitor" }
        return "weir_visitor_\(port)"
    }

    /// Lets a browser in that shows the token in a form; returns its cookie.
    mutating func letIn(showing shown: String, in head: borrowing RequestHead) -> String? {
        guard let token, Self.isEqual(Array(shown.utf8).span, token) else { return nil }
        var random = SystemRandomNumberGenerator()
        let name = (0..<4).map { _ in String(random.next(), radix: 36) }.joined()
        // The one that was let in first gives way.
        if names.count >= Self.namesMax { names.removeFirst() }
        names.append(name)
        return cookie(Self.cookieName(of: head), name)
    }

    /// Forgets every browser; returns the cookie that ends this one's.
    mutating func forgetAll(_ head: borrowing RequestHead) -> String {
        names = []
        return cookie(Self.cookieName(of: head), "") + "; Max-Age=0"
    }

    private func cookie(_ key: String, _ name: String) -> String {
        "\(key)=\(name); Path=/; HttpOnly; SameSite=Strict"
            + (isEncrypted ? "; Secure" : "")
    }

    /// Compares in the same time wherever the texts differ.
    private static func isEqual(_ shown: Span<UInt8>, _ token: [UInt8]) -> Bool {
        guard shown.count == token.count else { return false }
        var difference: UInt8 = 0
        for index in token.indices { difference |= token[index] ^ shown[index] }
        return difference == 0
    }
}
