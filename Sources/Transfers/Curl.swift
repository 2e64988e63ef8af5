import CCurl
public import ExchangeCore

/// The library as a whole.
public enum Curl {
    /// Prepares libcurl and OpenSSL.
    ///
    /// Once, in `main`, before any thread is started.
    public static func initialize() -> Bool {
        curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK
    }

    /// libcurl's version and those of the libraries it was built with.
    public static var version: String {
        unsafe String(cString: curl_version())
    }
}

extension CurlCode {
    init(_ code: CURLcode) {
        self.init(rawValue: Int32(code.rawValue))
    }

    /// libcurl's symbol and its explanation.
    public var explained: String {
        "\(name) (\(unsafe String(cString: curl_easy_strerror(CURLcode(UInt32(rawValue))))))"
    }
}
