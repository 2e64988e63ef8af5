import CCurl
import Glibc
import Reactor

/// The connections of one lane to one endpoint, as far as libcurl reports them.
final class ConnectionPool {
    unowned let lane: Lane
    /// Sockets that libcurl holds open.
    private(set) var descriptors: ContiguousArray<Int32> = []
    /// Transfers in flight.
    var activeCount = 0
    /// Idle sockets that the vendor closed and libcurl has not looked at since.
    var retiredCount = 0
    /// The addresses that this lane's cache was last given.
    var resolvedGeneration = -1

    init(lane: Lane) {
        self.lane = lane
    }

    /// Connections that a request could use at once.
    var idleCount: Int { descriptors.count - activeCount - retiredCount }

    func opened(_ descriptor: Int32, for transfer: Transfer) {
        lost(descriptor)
        descriptors.append(descriptor)
        lane.lanes.socketOpened(descriptor, self, for: transfer)
    }

    func closing(_ descriptor: Int32) {
        lane.transfer(on: descriptor)?.keepUnread(descriptor)
        lost(descriptor)
        lane.lanes.socketClosing(descriptor, self)
    }

    /// Forgets a socket that is closed, or about to be.
    func lost(_ descriptor: Int32) {
        descriptors.removeAll { $0 == descriptor }
    }

    /// The socket of a connection that libcurl knows by its addresses only.
    ///
    /// A local port is enough but where the vendor's name has several addresses.
    func descriptor(localPort: Int, peer: () -> String, of lanes: Lanes) -> Int32? {
        var found: Int32?
        for descriptor in descriptors {
            let index = Int(descriptor)
            guard lanes.sockets[index].pool === self else { continue }
            if lanes.sockets[index].localPort == 0 {
                lanes.sockets[index].localPort =
                    (try? SocketAddress(boundTo: descriptor))?.port ?? -1
            }
            guard lanes.sockets[index].localPort == localPort else { continue }
            guard let other = found else {
                found = descriptor
                continue
            }
            if (try? SocketAddress(peerOf: other))?.host != peer() { found = descriptor }
        }
        return found
    }
}

// libcurl opens its sockets through the first of these and closes connections through the second,
// so that we know which numbers are connections of ours. The pool outlives the multi handle whose
// connections name it.

func openSocket(
    _ context: UnsafeMutableRawPointer?, _ purpose: curlsocktype,
    _ address: UnsafeMutablePointer<curl_sockaddr>?
) -> curl_socket_t {
    guard let context = unsafe context, let address = unsafe address else { return CURL_SOCKET_BAD }
    let descriptor = unsafe socket(
        address.pointee.family, address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue),
        address.pointee.protocol
    )
    guard descriptor >= 0 else {
        let code = errno
        unsafe Unmanaged<Transfer>.fromOpaque(context)._withUnsafeGuaranteedRef { transfer in
            transfer.lacksDescriptors = [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(code)
        }
        return CURL_SOCKET_BAD
    }
    unsafe Unmanaged<Transfer>.fromOpaque(context)._withUnsafeGuaranteedRef { transfer in
        transfer.pool?.opened(descriptor, for: transfer)
        guard transfer.endpoint.addresses != nil else { return }
        let text = unsafe withUnsafePointer(to: &address.pointee.addr) {
            unsafe AddressBook.text(of: $0, address.pointee.addrlen)
        }
        if let text {
            transfer.triedAddresses.add(text, descriptor: descriptor)
        }
    }
    return descriptor
}

func closeSocket(_ context: UnsafeMutableRawPointer?, _ descriptor: curl_socket_t) -> Int32 {
    guard let context = unsafe context else { return -1 }
    unsafe Unmanaged<ConnectionPool>.fromOpaque(context)._withUnsafeGuaranteedRef { pool in
        pool.closing(descriptor)
    }
    return close(descriptor)
}
