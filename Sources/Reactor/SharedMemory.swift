import CLinux
import Glibc

/// Memory without a name in any folder, which goes to another process as a descriptor.
public enum SharedMemory {
    /// Makes so many bytes of it; they take room as they are touched.
    ///
    /// The name is seen in `/proc` alone.
    public static func make(_ name: String, bytes: Int) throws(SystemError) -> Int32 {
        let descriptor = unsafe clinux_memory(name)
        guard descriptor >= 0 else { throw SystemError(call: "memfd_create") }
        guard ftruncate(descriptor, off_t(bytes)) == 0 else {
            let error = SystemError(call: "ftruncate")
            close(descriptor)
            throw error
        }
        return descriptor
    }
}
