package import HTTP
import Primitives

/// A request's head, parsed for a test that asks about nothing else.
package final class ParsedHead {
    private let parser = RequestParser()

    /// A head with this method and target, and these further lines.
    package init(_ line: String, _ fields: String = "") {
        let bytes = Array("\(line) HTTP/1.1\r\nHost: localhost\r\n\(fields)\r\n".utf8)
        _ = parser.parse(bytes.span)
    }

    /// A head with this method and target, and these lines only.
    package init(_ line: String, fields: String) {
        let bytes = Array("\(line) HTTP/1.1\r\n\(fields)\r\n".utf8)
        _ = parser.parse(bytes.span)
    }

    package func with<R>(_ body: (borrowing RequestHead) -> R) -> R {
        parser.withHead(body)
    }
}
