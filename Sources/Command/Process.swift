import Glibc
import Reactor
import Transfers

/// What a process does once, before it starts a thread or makes a connection.
enum Process {
    static func prepare() throws(Composition.StartError) {
        Resources.raiseDescriptorLimit()
        // OpenSSL through libcurl would write every session's keys into the file this names.
        unsafe unsetenv("SSLKEYLOGFILE")
        guard Curl.initialize() else {
            throw Composition.StartError(description: "libcurl cannot be initialised")
        }
    }
}
