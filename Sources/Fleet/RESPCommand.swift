import CHiredis
import Primitives

/// A command for a Redis or Valkey server: its words, of any bytes.
struct RESPCommand: Equatable, Sendable {
    let words: [[UInt8]]

    init(_ words: [String]) {
        self.words = words.map { Array($0.utf8) }
    }

    /// Appends the command as the protocol writes it.
    func write(to buffer: inout ByteBuffer) {
        var bytes: [UInt8] = []
        var lengths: [Int] = []
        for word in words {
            bytes += word
            lengths.append(word.count)
        }
        unsafe bytes.withUnsafeBytes { all in
            // A command without any byte would have no address to count from.
            guard let start = all.baseAddress else { return }
            var offset = 0
            var starts: [UnsafePointer<CChar>?] = unsafe []
            for length in lengths {
                unsafe starts.append((start + offset).assumingMemoryBound(to: CChar.self))
                offset += length
            }
            var text: UnsafeMutablePointer<CChar>?
            let count = unsafe redisFormatCommandArgv(
                &text, Int32(words.count), &starts, &lengths)
            guard count > 0, let text = unsafe text else {
                preconditionFailure("no memory for a command")
            }
            unsafe buffer.append(UnsafeRawBufferPointer(start: text, count: Int(count)))
            unsafe redisFreeCommand(text)
        }
    }
}
