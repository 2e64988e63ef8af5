public import Config

/// A vendor of the configuration as all workers share it.
///
/// A vendor holds some ten references. A copy would count each, up and down again, in memory that
/// every other worker counts in as well; this is one.
@dynamicMemberLookup
public final class SharedVendor: Sendable {
    private let vendor: Vendor
    /// See ``Vendor/isBuiltIn``; asked for every request.
    public let isBuiltIn: Bool
    /// Whether requests go out with a credential of the gateway's.
    public let hasOwnCredential: Bool

    init(_ vendor: Vendor) {
        self.vendor = vendor
        isBuiltIn = vendor.isBuiltIn
        if case .own = vendor.credential {
            hasOwnCredential = true
        } else {
            hasOwnCredential = false
        }
    }

    /// A property of the vendor's.
    public subscript<Value>(dynamicMember property: KeyPath<Vendor, Value>) -> Value {
        vendor[keyPath: property]
    }
}
