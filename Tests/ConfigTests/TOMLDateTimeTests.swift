import Testing

@testable import Config

@Suite("TOML: dates and times")
struct TOMLDateTimeTests {
    /// A document, and its tree.
    static let valid: [(document: String, tree: String)] = [
        ("a = 1979-05-27T07:32:00Z", "{a: 1979-05-27T07:32:00Z}"),
        ("a = 1979-05-27T07:32:00z", "{a: 1979-05-27T07:32:00Z}"),
        ("a = 1979-05-27t07:32:00Z", "{a: 1979-05-27T07:32:00Z}"),
        ("a = 1979-05-27 07:32:00Z", "{a: 1979-05-27T07:32:00Z}"),
        ("a = 1979-05-27T00:32:00-07:00", "{a: 1979-05-27T00:32:00-07:00}"),
        ("a = 1979-05-27T00:32:00+05:30", "{a: 1979-05-27T00:32:00+05:30}"),
        ("a = 1979-05-27T00:32:00.999999-07:00", "{a: 1979-05-27T00:32:00.999999-07:00}"),
        ("a = 1979-05-27T07:32:00.5Z", "{a: 1979-05-27T07:32:00.5Z}"),
        ("a = 1979-05-27T07:32:00+00:00", "{a: 1979-05-27T07:32:00Z}"),
        ("a = 1979-05-27T07:32:00-00:00", "{a: 1979-05-27T07:32:00Z}"),
        ("a = 1979-05-27T07:32:00+23:59", "{a: 1979-05-27T07:32:00+23:59}"),
        ("a = 1979-05-27T07:32:00-23:59", "{a: 1979-05-27T07:32:00-23:59}"),
        ("a = 1979-05-27T07:32:00", "{a: 1979-05-27T07:32:00}"),
        ("a = 1979-05-27t07:32:00", "{a: 1979-05-27T07:32:00}"),
        ("a = 1979-05-27 07:32:00", "{a: 1979-05-27T07:32:00}"),
        ("a = 1979-05-27T00:32:00.999999", "{a: 1979-05-27T00:32:00.999999}"),
        ("a = 1979-05-27", "{a: 1979-05-27}"),
        ("a = 0001-01-01", "{a: 0001-01-01}"),
        ("a = 9999-12-31", "{a: 9999-12-31}"),
        ("a = 2000-02-29", "{a: 2000-02-29}"),
        ("a = 2024-02-29", "{a: 2024-02-29}"),
        ("a = 1979-01-31", "{a: 1979-01-31}"),
        ("a = 1979-04-30", "{a: 1979-04-30}"),
        ("a = 1979-12-31", "{a: 1979-12-31}"),
        ("a = 07:32:00", "{a: 07:32:00}"),
        ("a = 00:00:00", "{a: 00:00:00}"),
        ("a = 23:59:59", "{a: 23:59:59}"),
        ("a = 00:32:00.999999", "{a: 00:32:00.999999}"),
        ("a = 07:32:00.1", "{a: 07:32:00.1}"),
        ("a = 07:32:00.123456", "{a: 07:32:00.123456}"),
        ("a = 07:32:00 # comment", "{a: 07:32:00}"),
        ("a = 1979-05-27 # comment", "{a: 1979-05-27}"),
        ("a = 1979-05-27 ", "{a: 1979-05-27}"),
        ("a = 1979-05-27\t# comment", "{a: 1979-05-27}"),
        ("a = 1979-05-27\nb = 1", "{a: 1979-05-27, b: 1}"),
        ("a = [1979-05-27, 07:32:00]", "{a: [1979-05-27, 07:32:00]}"),
        ("a = [1979-05-27 07:32:00,1979-05-27 ]", "{a: [1979-05-27T07:32:00, 1979-05-27]}"),
        ("a = {b = 1979-05-27 }", "{a: {b: 1979-05-27}}"),
        ("a = 1979-05-27T07:32:00.0Z", "{a: 1979-05-27T07:32:00Z}"),
        ("a = 0000-01-01", "{a: 0000-01-01}"),
        ("a = 23:59:60", "{a: 23:59:60}"),
        ("a = 1990-12-31T23:59:60Z", "{a: 1990-12-31T23:59:60Z}"),
        ("a = 07:32:00.123456789", "{a: 07:32:00.123456789}"),
        ("a = 07:32:00.1234567891", "{a: 07:32:00.123456789}"),
        ("a = 07:32:00.000000001", "{a: 07:32:00.000000001}"),
        ("a = 1600-02-29", "{a: 1600-02-29}"),
    ]

    /// A document, and how the first of its faults begins: where it is and what it is.
    static let invalid: [(document: String, fault: String)] = [
        ("a = 1979-00-01", "1:5: no calendar has this date"),
        ("a = 1979-13-01", "1:5: no calendar has this date"),
        ("a = 1979-01-00", "1:5: no calendar has this date"),
        ("a = 1979-01-32", "1:5: no calendar has this date"),
        ("a = 1979-04-31", "1:5: no calendar has this date"),
        ("a = 1979-02-29", "1:5: no calendar has this date"),
        ("a = 1900-02-29", "1:5: no calendar has this date"),
        ("a = 2100-02-29", "1:5: no calendar has this date"),
        ("a = 2000-02-30", "1:5: no calendar has this date"),
        ("a = 1979-06-31", "1:5: no calendar has this date"),
        ("a = 1979-5-27", "1:5: no date is written like this"),
        ("a = 1979-05-7", "1:5: no date is written like this"),
        ("a = 79-05-27", "1:5: no number, date or time is written like this"),
        ("a = 979-05-27", "1:5: no number, date or time is written like this"),
        ("a = 19790-05-27", "1:5: no number, date or time is written like this"),
        ("a = 1979-05", "1:5: no date is written like this"),
        ("a = 1979-", "1:5: no date is written like this"),
        ("a = 1979-05-", "1:5: no date is written like this"),
        ("a = 1979/05/27", #"1:9: the line must end after a value, not go on with "/""#),
        ("a = 1979-05-27T", "1:5: no time is written like this"),
        ("a = 1979-05-27T:", "1:5: no time is written like this"),
        ("a = 1979-05-27T07", "1:5: no time is written like this"),
        ("a = 1979-05-27T07:32", "1:5: no time is written like this"),
        ("a = 1979-05-27T07:32Z", "1:5: no time is written like this"),
        ("a = 1979-05-27 07:32", "1:5: no time is written like this"),
        ("a = 1979-05-27 7:32:00", "1:5: no time is written like this"),
        ("a = 1979-05-27  07:32:00", #"1:17: the line must end after a value, not go on with "0""#),
        ("a = 1979-05-27\t07:32:00", #"1:16: the line must end after a value, not go on with "0""#),
        ("a = 1979-05-27X07:32:00", "1:5: no date is written like this"),
        ("a = 1979-05-27_07:32:00", "1:5: no date is written like this"),
        ("a = 1979-05-27T24:00:00", "1:5: no day has this time"),
        ("a = 1979-05-27T25:00:00Z", "1:5: no day has this time"),
        ("a = 1979-05-27T07:60:00Z", "1:5: no day has this time"),
        ("a = 1979-05-27T07:32:61Z", "1:5: no day has this time"),
        ("a = 1979-05-27T07:32:00.", "1:5: no time is written like this"),
        ("a = 1979-05-27T07:32:00.Z", "1:5: no time is written like this"),
        ("a = 1979-05-27T07:32:00+", "1:5: no offset is written like this"),
        ("a = 1979-05-27T07:32:00+1", "1:5: no offset is written like this"),
        ("a = 1979-05-27T07:32:00+01", "1:5: no offset is written like this"),
        ("a = 1979-05-27T07:32:00+0100", "1:5: no offset is written like this"),
        ("a = 1979-05-27T07:32:00+01:0", "1:5: no offset is written like this"),
        ("a = 1979-05-27T07:32:00+01:00:00", "1:5: no offset is written like this"),
        ("a = 1979-05-27T07:32:00+24:00", "1:5: no offset is this large"),
        ("a = 1979-05-27T07:32:00-00:60", "1:5: no offset is this large"),
        ("a = 1979-05-27T07:32:00ZZ", "1:5: no offset is written like this"),
        (
            "a = 1979-05-27T07:32:00 Z",
            #"1:25: the line must end after a value, not go on with "Z""#
        ),
        ("a = 1979-05-27T07:32:00UTC", "1:5: no offset is written like this"),
        ("a = 1979-05-27Z", "1:5: no date is written like this"),
        ("a = 1979-05-27+01:00", "1:5: no date is written like this"),
        ("a = 2024-05-27T:", "1:5: no time is written like this"),
        ("a = 24:00:00", "1:5: no day has this time"),
        ("a = 07:60:00", "1:5: no day has this time"),
        ("a = 07:32:61", "1:5: no day has this time"),
        ("a = 07:32", "1:5: no time is written like this"),
        ("a = 7:32:00", "1:5: no number, date or time is written like this"),
        ("a = 07:3:00", "1:5: no time is written like this"),
        ("a = 07:32:0", "1:5: no time is written like this"),
        ("a = 07:32:", "1:5: no time is written like this"),
        ("a = 07:", "1:5: no time is written like this"),
        ("a = 07:32:00.", "1:5: no time is written like this"),
        ("a = 07:32:00.x", "1:5: no time is written like this"),
        ("a = 07:32:00Z", "1:5: no time is written like this"),
        ("a = 07:32:00+01:00", "1:5: no time is written like this"),
        ("a = 07:32:00:00", "1:5: no time is written like this"),
        ("a = 07-32-00", "1:5: no 0 may stand before the other digits of a number"),
        ("a = -07:32:00", "1:5: no 0 may stand before the other digits of a number"),
        ("a = +1979-05-27", "1:5: no number, date or time is written like this"),
        ("a = -1979-05-27", "1:5: no number, date or time is written like this"),
        ("a = 1979-W21-7", "1:5: no date is written like this"),
        ("a = 1979-147", "1:5: no date is written like this"),
        (
            "a = 1979-05-27T07:32:00,5",
            #"1:24: the line must end after a value, not go on with ",""#
        ),
    ]

    @Test("are read into their tree", arguments: valid)
    func reads(_ document: String, _ tree: String) throws {
        #expect(try TOMLTree.read(document) == tree)
    }

    @Test("are refused, and the fault has its location", arguments: invalid)
    func refuses(_ document: String, _ fault: String) {
        let first = TOMLTree.faults(of: document).first ?? "none"
        #expect(first.hasPrefix(fault), "\(first)")
    }
}
