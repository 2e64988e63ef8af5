import HTTP
import Primitives
import Reactor

/// Reads the header of PROXY protocol at the beginning of a connection.
///
/// Not a byte further: what follows may be TLS, which reads the socket itself.
struct ProxyHeaderReader {
    private var bytes: [UInt8] = []

    /// What was read.
    enum Outcome: Equatable {
        case waiting
        case whole(client: IPAddress?)
        /// No header, or the end of the connection.
        case failed
    }

    /// Whether a part of it has come.
    var hasBegun: Bool { !bytes.isEmpty }

    /// Reads as far as the header goes.
    mutating func read(_ descriptor: Int32) -> Outcome {
        while true {
            switch ProxyHeader.read(bytes.span) {
            case .malformed: return .failed
            case .whole(let client): return .whole(client: client)
            case .incomplete(let needed):
                var buffer = ByteBuffer()
                switch Socket.receive(descriptor, into: &buffer, room: needed - bytes.count) {
                case .moved:
                    let received = buffer.bytes
                    for index in received.indices { bytes.append(received[index]) }
                case .wouldBlock: return .waiting
                case .closed, .failed: return .failed
                }
            }
        }
    }
}
