import Dialects
import JSON

/// What the exchanges of a journal hand on from one to the next, so that what is like it need not
/// be read anew.
final class AssemblyMemory {
    /// Usage objects of answers.
    var usage = UsageTemplates()
    /// Memory for what is read.
    var outline = JSONOutline()

    private var keyDigest: UInt64 = 0
    private var keyName = ""

    /// What a record calls a key that has no name: the 16 hexadecimal digits of its digest.
    func name(ofKey digest: UInt64) -> String {
        if digest != keyDigest || keyName.isEmpty {
            let digits = String(digest, radix: 16)
            keyName = String(repeating: "0", count: 16 - digits.count) + digits
            keyDigest = digest
        }
        return keyName
    }
}
