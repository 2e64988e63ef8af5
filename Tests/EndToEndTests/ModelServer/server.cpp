// A server as many model servers are built: on cpp-httplib, whose version in Debian does not read the
// body of a GET, and takes it for the next request on the connection.
//
// It prints its port, and answers every request with the path it was asked for.
#include <cstdio>
#include <httplib.h>

int main() {
  httplib::Server server;
  // A GET's body, "GET /smuggled …", is a request to this library.
  auto answer = [](const httplib::Request &request, httplib::Response &response) {
    response.set_content(request.path, "text/plain");
  };
  server.set_keep_alive_max_count(1000);
  server.Get(".*", answer);
  server.Post(".*", answer);
  server.Delete(".*", answer);
  int port = server.bind_to_any_port("127.0.0.1");
  std::printf("port %d\n", port);
  std::fflush(stdout);
  return server.listen_after_bind() ? 0 : 1;
}
