import Dialects
import HTTP
import Primitives

/// Streams of events: what each event means, and what is taken out of a stream.
enum EventFuzz {
    static func run(_ input: FuzzInput) {
        for dialect in Dialect.allCases {
            input.expectSame { pieces in
                var splitter = EventSplitter(bytesMax: 4096)
                var kinds: [StreamEventKind] = []
                for piece in pieces {
                    splitter.take(input.bytes.span.extracting(piece)) {
                        kinds.append(dialect.kind(of: $0))
                        _ = dialect.endsStream($0)
                    }
                }
                splitter.end { kinds.append(dialect.kind(of: $0)) }
                return kinds
            }
        }
        input.expectSame { pieces in
            var filter = UsageFilter()
            var output = ByteBuffer()
            for piece in pieces {
                filter.take(input.bytes.span.extracting(piece), to: &output)
            }
            filter.endStream(to: &output)
            return [UInt8](output.bytes)
        }
    }
}

extension [UInt8] {
    init(_ bytes: Span<UInt8>) {
        self.init()
        reserveCapacity(bytes.count)
        for index in bytes.indices { append(bytes[index]) }
    }
}
