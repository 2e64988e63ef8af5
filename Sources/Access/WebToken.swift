import JSON
import Primitives

/// A token of an issuer's (JWT), taken apart and not yet believed.
struct WebToken {
    /// What a token must be, and is not.
    struct Fault: Error, Equatable {
        let reason: String

        init(_ reason: String) {
            self.reason = reason
        }
    }

    /// Bytes of a token at most.
    static let bytesMax = 16 << 10

    /// How it says that it is signed.
    let algorithm: SignatureAlgorithm
    /// Which of the issuer's keys has signed it, by that key's name; nil where it does not say so.
    let keyName: String?
    let signature: [UInt8]
    /// Bytes of the text that are signed.
    let signedCount: Int
    private let claims: [String: JSONValue]

    /// Whether a credential looks like a token: three parts, the first of which begins as the text
    /// of an object of JSON does.
    static func isShaped(_ text: Span<UInt8>) -> Bool {
        guard text.hasPrefix("ey"), let first = text.firstIndex(of: 0x2E),
            let second = text.firstIndex(of: 0x2E, from: first + 1)
        else { return false }
        return text.firstIndex(of: 0x2E, from: second + 1) == nil
    }

    /// Takes a token apart.
    init(_ text: Span<UInt8>) throws(Fault) {
        guard text.count <= Self.bytesMax else { throw Fault("it is too long") }
        guard Self.isShaped(text), let first = text.firstIndex(of: 0x2E),
            let second = text.firstIndex(of: 0x2E, from: first + 1)
        else { throw Fault("it has not three parts") }
        let head = try Self.object(text.extracting(0..<first), "its head")
        // What it says must be understood is not, whatever it is.
        guard head["crit"] == nil else { throw Fault("it asks for an extension") }
        guard let name = head["alg"]?.text, let algorithm = SignatureAlgorithm(rawValue: name)
        else { throw Fault("its algorithm is none of RS256, ES256 and EdDSA") }
        self.algorithm = algorithm
        switch head["kid"] {
        case nil: keyName = nil
        case .string(let name): keyName = name
        default: throw Fault("its key's name is no text")
        }
        claims = try Self.object(text.extracting(first + 1..<second), "its claims")
        guard let signature = Base64URL.decode(text.extracting(second + 1..<text.count)),
            !signature.isEmpty
        else { throw Fault("it has no signature") }
        self.signature = signature
        signedCount = second
    }

    private static func object(
        _ text: Span<UInt8>, _ what: String
    ) throws(Fault) -> [String: JSONValue] {
        guard let bytes = Base64URL.decode(text), bytes.isValidUTF8,
            let value = try? JSONValue(parsing: bytes.span), case .object(let members) = value
        else { throw Fault("\(what) cannot be read") }
        var found: [String: JSONValue] = [:]
        for member in members {
            // Of two members of one name another program may believe the other.
            guard found.updateValue(member.value, forKey: member.name) == nil else {
                throw Fault("a member stands twice in \(what)")
            }
        }
        return found
    }

    /// Seconds by which an issuer's clock may be ahead of this one.
    private static let clockSkew = 60.0

    /// Whom a token is of, what is asked of it being there.
    ///
    /// `now`: milliseconds since 1970. Only for a token whose signature was verified.
    func believed(
        issuer: String, audience: String, groupClaim: String, now: Int
    ) throws(Fault) -> Bearer {
        guard claims["iss"]?.text == issuer else { throw Fault("it is of another issuer") }
        guard isFor(audience) else { throw Fault("it is for another audience") }
        guard let end = claims["exp"]?.double, end.isFinite, end > 0 else {
            throw Fault("it does not say when it ends")
        }
        let until = Int(min(end * 1000, 1e17))
        guard now < until else { throw Fault("it has expired") }
        if let begin = claims["nbf"] {
            guard let begin = begin.double, begin.isFinite else {
                throw Fault("its beginning is no number")
            }
            guard Double(now) / 1000 + Self.clockSkew >= begin else {
                throw Fault("it is not good yet")
            }
        }
        guard let subject = claims["sub"]?.text, !subject.isEmpty else {
            throw Fault("it does not say whose it is")
        }
        return Bearer(subject: subject, groups: try groups(groupClaim), until: until)
    }

    /// Whether it names an issuer and an audience, be it good or not.
    func names(issuer: String, audience: String) -> Bool {
        claims["iss"]?.text == issuer && isFor(audience)
    }

    private func isFor(_ audience: String) -> Bool {
        switch claims["aud"] {
        case .string(let one): one == audience
        case .array(let all): all.contains(.string(audience))
        default: false
        }
    }

    /// The names of groups in a claim: one, or a list.
    private func groups(_ claim: String) throws(Fault) -> [String] {
        guard !claim.isEmpty else { return [] }
        switch claims[claim] {
        case .string(let name): return [name]
        case .array(let names): return names.compactMap(\.text)
        default: throw Fault("it has no claim \(claim)")
        }
    }

    /// Whom a token is of.
    struct Bearer: Equatable {
        let subject: String
        /// Groups that the token names, the first that is known counts.
        let groups: [String]
        /// From when on it is refused, in milliseconds since 1970.
        let until: Int
    }
}

/// How a token is signed: with a key of two halves, and no other way.
public enum SignatureAlgorithm: String, Sendable {
    case rs256 = "RS256"
    case es256 = "ES256"
    case edDSA = "EdDSA"
}

extension [UInt8] {
    /// Whether the bytes are UTF-8, and stand for themselves alone.
    fileprivate var isValidUTF8: Bool { String(validating: self, as: UTF8.self) != nil }
}
