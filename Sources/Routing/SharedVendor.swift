public import Config
import Primitives

/// A vendor of the configuration as all workers share it.
///
/// A vendor holds some ten references. A copy would count each, up and down again, in memory that
/// every other worker counts in as well; this is one.
@dynamicMemberLookup
public final class SharedVendor: Sendable {
    private let vendor: Vendor
    /// See ``Vendor/isBuiltIn``; asked for every request.
    public let isBuiltIn: Bool
    /// Patterns of the fields of a request, in lower case, that it does not get.
    private let droppedFields: [Glob]
    /// Whether there is any: asked for every request.
    public let dropsFields: Bool
    /// See ``Vendor/rewritesURLs``; asked for every answer.
    public let rewritesURLs: Bool
    /// Whether requests go out with a credential of the gateway's.
    public let hasOwnCredential: Bool

    init(_ vendor: Vendor) {
        self.vendor = vendor
        isBuiltIn = vendor.isBuiltIn
        droppedFields = vendor.dropHeaders.map { Glob($0.lowercased()) }
        dropsFields = !droppedFields.isEmpty
        rewritesURLs = vendor.rewritesURLs
        if case .own = vendor.credential {
            hasOwnCredential = true
        } else {
            hasOwnCredential = false
        }
    }

    /// Whether it does not get a request's field of this name, in whatever case.
    public func drops(_ name: Span<UInt8>) -> Bool {
        let lowercased = name.indices.map { name[$0].lowercased }
        return droppedFields.contains { $0.matches(lowercased.span) }
    }

    /// A property of the vendor's.
    public subscript<Value>(dynamicMember property: KeyPath<Vendor, Value>) -> Value {
        vendor[keyPath: property]
    }
}
