import Testing

@testable import weir

@Suite("Tables of text")
struct TextTableTests {
    @Test("a text is as wide as a terminal shows it")
    func width() {
        for (text, width) in [
            ("", 0), ("gpt-4o", 6), ("plän", 4), ("e\u{301}a", 2), ("模型", 4), ("ｱ", 1), ("Ａ", 2),
            ("👩‍👩‍👧", 2), ("✓", 1), ("⚠️", 2), ("한글", 4), ("\u{200B}", 0), ("🇩🇪", 2),
        ] { #expect(DisplayWidth.of(text) == width, "\(text)") }
    }

    @Test("a cut text has its width at most, and ends with a sign")
    func cut() {
        for (text, width, result) in [
            ("model", 5, "model"), ("model", 4, "mod…"), ("model", 1, "…"), ("model", 0, ""),
            ("模型模型", 5, "模型…"), ("模型模型", 4, "模…"), ("模型模型", 8, "模型模型"),
            ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…"),
        ] {
            #expect(DisplayWidth.cut(text, to: width) == result)
            #expect(DisplayWidth.of(result) <= width)
        }
    }

    @Test("a long text goes on in further lines, whole")
    func wrapped() {
        #expect(DisplayWidth.wrapped("", to: 5) == [""])
        #expect(DisplayWidth.wrapped("one two three", to: 7) == ["one two", "three"])
        #expect(DisplayWidth.wrapped("abcdefgh ij", to: 3) == ["abc", "def", "gh", "ij"])
        #expect(DisplayWidth.wrapped("模型模", to: 3) == ["模", "型", "模"])
        #expect(DisplayWidth.wrapped("模", to: 1) == ["模"])
    }

    @Test("columns that may be cut give up room, the widest first, and others do not")
    func fits() {
        var table = TextTable(columns: [
            TextTable.Column(name: "a", least: 3), TextTable.Column(name: "b", side: .right),
            TextTable.Column(name: "c", least: 3),
        ])
        table.add(["abcdefghij", "12345", "xyz12"])
        table.add(["模型", "1", ""])
        let whole = """
            a               b  c
            abcdefghij  12345  xyz12
            模型            1

            """
        #expect(table.text == whole)
        #expect(table.text(width: 24) == whole)
        #expect(
            table.text(width: 19) == """
                a          b  c
                abcd…  12345  xyz12
                模型       1

                """)
        #expect(
            table.text(width: 15) == """
                a        b  c
                ab…  12345  xy…
                模…      1

                """)
        // A terminal that is narrower than that would break the lines.
        #expect(
            table.text(width: 10) == """
                a        …
                ab…  1234…
                模…      1

                """)
        #expect(table.text(width: 1) == "…\n…\n…\n")
        #expect(
            table.text(width: 40, wrapsLast: true) == table.text)
    }

    @Test("a line ends with its last character, whatever is empty, cut or blank in it")
    func ends() {
        var table = TextTable(columns: [
            TextTable.Column(name: "a", least: 3), TextTable.Column(name: "b", side: .right),
        ])
        for cells in [
            ["", ""], ["x ", ""], [" ", "1"], ["abcdef", ""], ["", "  "], ["abcde", "2"],
        ] {
            table.add(cells)
        }
        #expect(table.text == "a        b\n\nx\n         1\nabcdef\n\nabcde    2\n")
        #expect(table.text(width: 7) == "a     b\n\nx\n      1\nab…\n\nab…   2\n")
    }

    @Test("the last column goes on below, and nothing of it is lost")
    func last() {
        var table = TextTable([("", .left), ("", .left)])
        table.add(["why", "the vendor said that there is no more room"])
        #expect(
            table.text(width: 25, wrapsLast: true).split(separator: "\n") == [
                "why  the vendor said that", "     there is no more", "     room",
            ])
    }

    @Test("a line has 80 columns without a terminal, unless a variable says otherwise")
    func terminal() {
        for (terminal, variable, columns) in [
            (nil, nil, 80), (nil, "120", 120), (nil, "x", 80), (nil, "0", 40), (132, nil, 132),
            (132, "20", 132), (nil, "-5", 40),
        ] as [(Int?, String?, Int)] {
            #expect(Terminal.columns(ofTerminal: terminal, variable: variable) == columns)
        }
    }

    @Test("money is as narrow as its size allows")
    func money() {
        for (nanodollars, text) in [
            (nil, "–"), (0, "$0.000000"), (1_234_567, "$0.001235"), (9_999_999, "$0.010000"),
            (10_000_000, "$0.0100"), (12_345_678_901, "$12.3457"), (99_999_960_000, "$100.0000"),
            (1_234_567_890_123, "$1234.57"), (.max, "$9223372036.85"),
        ] as [(Int?, String)] { #expect(Figure.shortMoney(nanodollars: nanodollars) == text) }
        #expect(Figure.share(1, of: 0) == "–" && Figure.share(2, of: 3) == "67 %")
    }
}
