import CPage

/// A file of the page, which is a part of the program.
struct PageAsset {
    let contentType: String
    let bytes: [UInt8]

    /// The file at a path; nil where there is none.
    init?(path: String) {
        guard let index = Self.paths.firstIndex(of: path) else { return nil }
        let asset = unsafe cpage_asset(Int32(index))
        bytes = unsafe Array(UnsafeRawBufferPointer(start: asset.bytes, count: Int(asset.count)))
        contentType = Self.contentType(of: path)
    }

    /// In the order of the C side's list.
    private static let paths = [
        "/", "/login", "/style.css", "/dom.js", "/app.js", "/views.js", "/call.js",
        "/login.js",
    ]

    private static func contentType(of path: String) -> String {
        if path.hasSuffix(".css") { return "text/css; charset=utf-8" }
        return path.hasSuffix(".js")
            ? "text/javascript; charset=utf-8" : "text/html; charset=utf-8"
    }
}
