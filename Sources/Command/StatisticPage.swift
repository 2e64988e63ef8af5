import LogStore
import Primitives

/// `weir logs stats --html`: the lines as one page that needs nothing else, with no script in it.
///
/// Names come from clients and vendors; each is escaped.
struct StatisticPage {
    let dimensions: [Dimension]
    /// At least one.
    let lines: [Store.Statistic]
    /// The filter, as it was asked for; empty for all.
    let asked: String
    /// When, as a text.
    let at: String

    /// Bars of a chart; the table has the other lines, too.
    private static let barsMax = 24

    private typealias Line = Store.Statistic

    /// The page.
    var html: String {
        """
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>weir logs stats</title><style>\(Self.style)</style></head><body><main>
        <h1>Calls by \(HTMLText.escaped(dimensions.map(\.rawValue).joined(separator: ", ")))</h1>
        <p class="first">\(HTMLText.escaped(sentence))</p>
        <p class="facts">\(HTMLText.escaped(asked.isEmpty ? "The whole record" : asked)) · \
        \(HTMLText.escaped(at))</p>
        \(charts.joined(separator: "\n"))
        <h2>All figures</h2><div class="wide" tabindex="0">\(table)</div>
        <p class="facts">A call failed if it did not end complete, or with an error status. A sum of
        money is that of the calls whose price is known; <b>priced</b> says how many of those that
        cost money these are. p50, p90 and p99: from the request to the first content, which
        half, nine in ten and 99 in a hundred of the calls took at most.</p>
        </main></body></html>

        """
    }

    /// What it all comes to, for a person who reads no further.
    var sentence: String {
        let sums = total
        var text =
            "\(sums.calls) \(sums.calls == 1 ? "call" : "calls"), \(sums.failed) of them failed"
        text += ", \(Figure.count(sums.inputTokens)) tokens in"
        text += " and \(Figure.count(sums.outputTokens)) out"
        if sums.priced > 0 {
            text +=
                ", \(StatisticLine.cost(sums)) for \(StatisticLine.priced(sums)) that cost money"
        }
        if let half = sums.contentTimes.percentile(0.5),
            let most = sums.contentTimes.percentile(0.99)
        {
            text += ". Half of the answers began within \(Figure.time(half)),"
            text += " 99 in a hundred within \(Figure.time(most))"
        }
        return text + "."
    }

    private var total: Rollup {
        lines.reduce(into: Rollup()) { $0.add($1.sums) }
    }

    // MARK: Charts

    private var charts: [String] {
        [
            chart("Calls", of: { $0.sums.calls }, marked: { $0.sums.failed }) {
                let failed = $0.sums.failed
                return "\($0.sums.calls)" + (failed > 0 ? ", \(failed) failed" : "")
            },
            chart("Money", of: { $0.sums.costNanodollars }) {
                "\(StatisticLine.cost($0.sums)), \(StatisticLine.priced($0.sums)) priced"
            },
            chart("Tokens in and out", of: { $0.sums.inputTokens + $0.sums.outputTokens }) {
                "\(Figure.count($0.sums.inputTokens)) in, \(Figure.count($0.sums.outputTokens)) out"
            },
            chart(
                "To the first content: p99, and half of the answers",
                of: { $0.sums.contentTimes.percentile(0.99) ?? 0 },
                marked: { $0.sums.contentTimes.percentile(0.5) ?? 0 }
            ) {
                let times = $0.sums.contentTimes
                let half = Figure.time(times.percentile(0.5))
                return "\(Figure.time(times.percentile(0.99))), half \(half)"
            },
        ].compactMap { $0 }
    }

    /// Bars from the longest down; nil where all are of no length.
    private func chart(
        _ title: String, of length: (Line) -> Int, marked: ((Line) -> Int)? = nil,
        text: (Line) -> String
    ) -> String? {
        let order = lines.filter { length($0) > 0 }.sorted { length($0) > length($1) }
        guard let longest = order.first.map(length) else { return nil }
        let rows = order.prefix(Self.barsMax).map { line in
            let share = Self.percent(length(line), of: longest)
            let mark = marked.map { Self.percent(min($0(line), length(line)), of: longest) }
            let part = mark.map { "<i class=\"mark\" style=\"width:\($0)%\"></i>" } ?? ""
            return "<li><span class=\"name\">\(Self.name(line))</span>"
                + "<span class=\"bar\"><i style=\"width:\(share)%\"></i>\(part)</span>"
                + "<span class=\"value\">\(HTMLText.escaped(text(line)))</span></li>"
        }
        let rest = order.count - rows.count
        let more = rest > 0 ? "<p class=\"facts\">\(rest) more are in the table.</p>" : ""
        return
            "<section><h2>\(HTMLText.escaped(title))</h2><ul>\(rows.joined(separator: "\n"))</ul>"
            + "\(more)</section>"
    }

    /// A share in tenths of a percent, at least one so that a bar is seen.
    private static func percent(_ part: Int, of whole: Int) -> String {
        guard part > 0 else { return "0" }
        let tenths = max(1, Int((Double(part) / Double(whole) * 1000).rounded()))
        return "\(tenths / 10).\(tenths % 10)"
    }

    private static func name(_ line: Line) -> String {
        HTMLText.escaped(line.names.map(StatisticLine.shown).joined(separator: " · "))
    }

    // MARK: The table

    private var table: String {
        let columns = StatisticLine.columns(dimensions)
        let heads = columns.map { "<th scope=\"col\">\(HTMLText.escaped($0.column.name))</th>" }
        let rows = lines.map { line in
            let cells = columns.enumerated().map { index, column in
                // A table for a terminal cuts names; here each is whole.
                let text =
                    index < dimensions.count
                    ? StatisticLine.shown(line.names[index]) : column.cell(line)
                return "<td>\(HTMLText.escaped(text))</td>"
            }
            return "<tr>\(cells.joined())</tr>"
        }
        return "<table><thead><tr>\(heads.joined())</tr></thead>"
            + "<tbody>\(rows.joined(separator: "\n"))</tbody></table>"
    }

    private static let style = """
        :root{color-scheme:light dark;--ink:#1c2430;--quiet:#566270;--paper:#fff;--line:#e0e5ea;\
        --bar:#0a7ea4;--mark:#a63d16}
        @media (prefers-color-scheme:dark){:root{--ink:#e6ebf0;--quiet:#9fabb8;--paper:#141a21;\
        --line:#2c3640;--bar:#3aa6c9;--mark:#e08a5c}}
        body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);margin:0}
        main{max-width:1060px;margin:0 auto;padding:20px}
        h1{font-size:24px;margin:0 0 8px}h2{font-size:18px;margin:28px 0 8px}
        .first{font-size:17px;margin:0}.facts{color:var(--quiet);font-size:13px}
        ul{list-style:none;margin:0;padding:0}
        li{display:grid;grid-template-columns:minmax(8em,3fr) 5fr minmax(8em,2fr);gap:10px;\
        align-items:center;padding:3px 0}
        .name{overflow-wrap:anywhere}.value{font-variant-numeric:tabular-nums}
        .bar{position:relative;height:14px}
        .bar i{position:absolute;left:0;top:0;height:100%;background:var(--bar);border-radius:2px}
        .bar .mark{background:var(--mark)}
        .wide{overflow-x:auto}
        table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums}
        th,td{padding:4px 8px;text-align:left;border-bottom:1px solid var(--line);\
        white-space:nowrap}
        th{color:var(--quiet);font-weight:500}
        @media (max-width:600px){li{grid-template-columns:1fr;gap:2px;padding:6px 0}}
        """
}
