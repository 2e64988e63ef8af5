/// Text as it stands in a page.
public enum HTMLText {
    /// The text with the four characters that mean something in a page or an attribute replaced.
    ///
    /// Names come from clients and vendors, so that no text may stand in a page without it.
    public static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
            .replacing(">", with: "&gt;").replacing("\"", with: "&quot;")
    }
}
