import Config
import Cryptography
import Glibc
import LogStore
import Primitives

/// The price table that a configuration names.
enum Prices {
    /// The table; nil where the configuration names no prices.
    ///
    /// `read` reads a file: while clients are served nothing may block in it.
    static func table(
        _ configuration: Configuration, read: (String) -> String? = Environment.file
    ) throws(Composition.StartError) -> PriceTable? {
        let prices = configuration.prices
        guard !prices.models.isEmpty || !prices.file.isEmpty else { return nil }
        var text: String?
        if !prices.file.isEmpty {
            text = read(prices.file)
            guard text != nil else {
                throw Composition.StartError(
                    description: "prices.file: \(prices.file) cannot be read")
            }
        }
        let globs = prices.models.map { ($0.glob, PriceTable.Price($0)) }
        do {
            return try PriceTable(
                version: version(prices, text: text), globs: globs, file: text)
        } catch {
            throw Composition.StartError(description: "prices.file: \(prices.file): \(error)")
        }
    }

    /// What differs between two tables, for people; nothing where every call costs the same.
    static func changes(from before: PriceTable?, to next: PriceTable?) -> [String] {
        let isSame =
            switch (before, next) {
            case (nil, nil): true
            case (let before?, let next?): next.isSame(as: before)
            default: false
            }
        let versions = [before, next].map { $0?.version ?? "none" }
        guard !isSame else { return [] }
        // Prices of the configuration itself have no version but the day, unless it names one.
        return [
            versions[0] == versions[1]
                ? "prices: other ones, still called \(versions[1])"
                : "prices: \(versions[0]), now \(versions[1])"
        ]
    }

    /// The configured version or the beginning of the file's digest, and the day it is of.
    private static func version(_ prices: PriceSettings, text: String?) -> String {
        var name = prices.version
        if name.isEmpty { name = text.map(digest) ?? "config" }
        var status = stat()
        let hasFile = unsafe !prices.file.isEmpty && stat(prices.file, &status) == 0
        let microseconds =
            hasFile
            ? status.st_mtim.tv_sec * 1_000_000 : Int(Identifier.wallClockMilliseconds()) * 1000
        return "\(name) \(Timestamp.text(microseconds: microseconds).prefix(10))"
    }

    private static func digest(_ text: String) -> String {
        var digest = Digest()
        digest.add(Array(text.utf8).span)
        return String(digest.finish().prefix(12))
    }
}

extension PriceTable.Price {
    /// Prices for a million tokens as those for one.
    init(_ model: PriceSettings.Model) {
        self.init()
        for price in model.prices {
            set(price.kind, price.dollars / 1e6, beyond: price.beyond, tier: price.tier)
        }
        inputMax = model.maxInput > 0 ? model.maxInput : nil
        outputMax = model.maxOutput > 0 ? model.maxOutput : nil
    }
}
