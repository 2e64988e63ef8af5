import HTTP
import Testing

@Suite("Dates")
struct HTTPDateTests {
    private static func seconds(_ text: String) -> Int? {
        HTTPDate.seconds(Array(text.utf8).span)
    }

    @Test("are read to the second")
    func good() {
        #expect(Self.seconds("Sun, 06 Nov 1994 08:49:37 GMT") == 784_111_777)
        #expect(Self.seconds("Thu, 01 Jan 1970 00:00:00 GMT") == 0)
        #expect(Self.seconds("Thu, 29 Feb 2024 23:59:59 GMT") == 1_709_251_199)
        #expect(Self.seconds("Tue, 24 Nov 2026 06:23:44 GMT") == 1_795_501_424)
    }

    @Test(
        "in any other form are none",
        arguments: [
            "", "120", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
            "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Now 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, xx Nov 1994 08:49:37 GMT",
        ]
    )
    func bad(_ text: String) {
        #expect(Self.seconds(text) == nil)
    }
}
