import Config
import Primitives

/// A table of `[[quirks]]`, made ready.
struct QuirkRow: Sendable {
    let settings: QuirkSettings
    private let vendor: Glob
    private let model: Glob

    init(_ settings: QuirkSettings) {
        self.settings = settings
        vendor = Glob(settings.vendor)
        model = Glob(settings.model)
    }

    func matches(_ vendor: String, _ model: String) -> Bool {
        self.vendor.matches(vendor.utf8.span) && self.model.matches(model.utf8.span)
    }
}
