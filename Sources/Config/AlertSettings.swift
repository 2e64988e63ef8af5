public import Primitives

/// `[alerts]`: what an operator is written about without a stack of monitoring.
public struct AlertSettings: Sendable, Equatable {
    /// Where alerts are posted to; nil where there are none.
    ///
    /// Such a URL often holds a secret.
    public var webhook: Secret?
    /// The share of a budget, in percent, at which an alert goes out.
    public var budgetPercent = 80
    /// How many times as much as in a usual hour is a jump; 0 is off.
    public var spendFactor = 3
    /// By how many percentage points the share of prompts that a vendor's cache knew falls, until
    /// an alert goes out; 0 is off.
    public var cacheDrop = 20

    /// No alerts.
    public init() {}

    mutating func read(_ reader: inout TableReader, _ secrets: SecretSource) {
        webhook = reader.secret("webhook", secrets, warns: false)
        if let url = webhook?.reveal() {
            let isURL = url.hasPrefix("http://") || url.hasPrefix("https://")
            if isURL, url.utf8.allSatisfy({ $0 > 0x20 }) {
                reader.warnOfOpenKeys("webhook", of: url)
            } else {
                reader.error(
                    "webhook", "is no URL; for example \"https://hooks.example.com/weir\"")
            }
        }
        reader.integer("budget_percent", &budgetPercent, in: 1...100)
        reader.integer("spend_factor", &spendFactor, in: 0...1000)
        reader.integer("cache_drop", &cacheDrop, in: 0...100)
    }
}
