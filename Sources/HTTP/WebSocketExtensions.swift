import Primitives

/// The extensions that both sides of a WebSocket have agreed to.
public struct WebSocketExtensions: Equatable, Sendable {
    /// Whether messages may be compressed.
    public private(set) var isCompressed = false
    /// Whether a client's message may refer to its earlier ones.
    public private(set) var clientKeepsContext = true
    /// Whether a vendor's may.
    public private(set) var vendorKeepsContext = true
    /// Whether all of them are known here, so that the messages can be read.
    public private(set) var isKnown = true

    /// Reads the list of a vendor's answer.
    public init(_ list: String) {
        for item in list.split(separator: ",") {
            let words = item.split(separator: ";").map { word in
                String(word.filter { $0 != " " && $0 != "\t" && $0 != "\"" }).lowercased()
            }
            guard words.first == "permessage-deflate", !isCompressed else {
                isKnown = false
                continue
            }
            isCompressed = true
            for word in words.dropFirst() {
                switch word {
                case "client_no_context_takeover": clientKeepsContext = false
                case "server_no_context_takeover": vendorKeepsContext = false
                default: break
                }
            }
        }
    }
}
