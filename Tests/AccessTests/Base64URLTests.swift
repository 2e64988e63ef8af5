import Testing

@testable import Access

@Suite("Base64 in heads")
struct Base64URLTests {
    @Test("a digit is one of either alphabet, and no other byte")
    func digits() {
        let alphabet = Set(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_".utf8)
        for byte in UInt8.min...UInt8.max {
            #expect(Base64URL.isDigit(byte) == alphabet.contains(byte), "\(byte)")
        }
    }

    @Test("a text of twelve printable bytes is found, and none that is shorter or ends sooner")
    func texts() {
        func text(_ digits: String, from start: Int = 0) -> String? {
            Base64URL.decodeText(Array(digits.utf8).span, from: start).map {
                String(decoding: $0, as: UTF8.self)
            }
        }
        #expect(text("YWJjZGVmZ2hpamts") == "abcdefghijkl")
        #expect(text("xxYWJjZGVmZ2hpamts", from: 2) == "abcdefghijkl")
        #expect(text("YWJjZGVmZ2hpams") == nil)
        #expect(text("YWJjZGVm.2hpamts") == nil)
        #expect(text("AAAAAAAAAAAAAAAA") == nil)
        #expect(text("YWJjZGVmZ2hpamtsAAAA") == "abcdefghijkl")
    }
}
