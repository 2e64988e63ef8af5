import Gateway
import JSON

/// The answers of the page, with the fields that keep a browser from doing more than is meant.
enum PageAnswers {
    /// Scripts and styles come from this program alone, nothing is asked of any other server, no
    /// page holds this one in a frame, and a text that looks like a script is none.
    private static let pagePolicy = """
        default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
        connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'
        """

    /// The same for what a client or a vendor wrote: it is text, and nothing is done with it.
    private static let contentPolicy = "default-src 'none'; frame-ancestors 'none'; sandbox"

    static func json(_ value: JSONValue, status: Int = 200) -> LocalResponse {
        secured(
            LocalResponse(
                status: status, contentType: "application/json", body: "\(value)\n"))
    }

    /// Why a question has no answer.
    static func fault(_ status: Int, _ text: String) -> LocalResponse {
        json(.members(["error": .string(text)]), status: status)
    }

    static func asset(_ asset: PageAsset) -> LocalResponse {
        secured(
            LocalResponse(status: 200, contentType: asset.contentType, bytes: asset.bytes))
    }

    /// Another page; `cookie` is set on the way.
    static func redirect(to path: String, cookie: String? = nil) -> LocalResponse {
        var response = secured(
            LocalResponse(status: 303, contentType: "text/plain; charset=utf-8", body: "\(path)\n"))
        response.fields.append(LocalResponse.Field("location", path))
        if let cookie { response.fields.append(LocalResponse.Field("set-cookie", cookie)) }
        return response
    }

    /// A body as it is kept; `name` is that of the file that a browser saves it to.
    static func content(_ bytes: [UInt8], name: String?) -> LocalResponse {
        var response = secured(
            LocalResponse(
                status: 200,
                contentType: name == nil ? "text/plain; charset=utf-8" : "application/octet-stream",
                bytes: bytes), policy: contentPolicy)
        if let name {
            response.fields.append(
                LocalResponse.Field("content-disposition", "attachment; filename=\"\(name)\""))
        }
        return response
    }

    /// The head of a stream of events.
    static var events: LocalResponse {
        secured(
            LocalResponse(status: 200, contentType: "text/event-stream", body: ": weir\n\n"))
    }

    private static func secured(
        _ response: LocalResponse, policy: String = pagePolicy
    ) -> LocalResponse {
        var response = response
        response.fields += [
            LocalResponse.Field("content-security-policy", policy),
            LocalResponse.Field("x-content-type-options", "nosniff"),
            LocalResponse.Field("referrer-policy", "no-referrer"),
            LocalResponse.Field("cross-origin-resource-policy", "same-origin"),
            LocalResponse.Field("cache-control", "no-store"),
        ]
        return response
    }
}
