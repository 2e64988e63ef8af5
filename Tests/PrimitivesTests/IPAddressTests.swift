import Primitives
import Testing

@Suite("Addresses and networks")
struct IPAddressTests {
    @Test(
        "are read in every written form, and written in one",
        arguments: [
            ("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "0.0.0.0"), ("::", "::"), ("::1", "::1"),
            ("1::", "1::"), ("2001:DB8::1", "2001:db8::1"),
            ("2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
            ("1:0:3:4:5:6:7:8", "1:0:3:4:5:6:7:8"), ("1:0:0:4:0:0:0:8", "1:0:0:4::8"),
            ("::ffff:192.0.2.1", "192.0.2.1"), ("::ffff:c000:201", "192.0.2.1"),
            ("64:ff9b::192.0.2.1", "64:ff9b::c000:201"),
        ])
    func forms(_ text: String, _ written: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == written)
        #expect(IPAddress(written) == address)
    }

    @Test(
        "what is none is none",
        arguments: [
            "", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.+4", "1.2.3. 4", ":",
            ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::8:9", "12345::",
            "g::", "[::1]", "::1%lo", "1.2.3.4::", "::1.2.3", "1:2:3:4:5:6:7:1.2.3.4", "+1::",
        ])
    func none(_ text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test("have 4 or 16 bytes")
    func bytes() {
        for count in 0..<20 {
            let isOne = count == 4 || count == 16
            #expect((IPAddress([UInt8](repeating: 1, count: count)) != nil) == isOne)
        }
    }

    @Test("a network holds what begins as it does")
    func contains() throws {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"), ("10.1.2.3", "10.1.2.3", "10.1.2.2"),
            ("192.168.4.0/22", "192.168.7.255", "192.168.8.0"), ("0.0.0.0/0", "8.8.8.8", "::1"),
            ("fd00::/8", "fdff::1", "fe00::"), ("::/0", "2001:db8::", "127.0.0.1"),
            ("2001:db8::/33", "2001:db8:7fff::", "2001:db8:8000::"),
        ] {
            let range = try #require(IPNetwork(network), "\(network)")
            #expect(range.contains(try #require(IPAddress(inside))), "\(network)")
            #expect(!range.contains(try #require(IPAddress(outside))), "\(network)")
        }
        #expect(IPNetwork("10.0.0.0/8")?.description == "10.0.0.0/8")
        #expect(IPNetwork("::1")?.description == "::1/128")
        for text in ["10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "10/8", "::/129", ""]
        {
            #expect(IPNetwork(text) == nil, "\(text)")
        }
    }
}
