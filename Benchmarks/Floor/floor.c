// The least that a relay over libcurl's multi interface can be: what the library itself costs, so
// that Weir's own share can be seen.
//
//     cc -O2 -o floor floor.c -lcurl && ./floor PORT VENDOR_PORT
//
// One request after another on each connection, and a request is one read: nothing is parsed beyond
// the end of its head and its Host and Content-Length fields, nothing is routed, held, recorded,
// counted, timed or checked. The fields go to libcurl in one entry, connections are kept alive, and
// the first piece of an answer is sent at once, all as Weir does it.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROOM (64 << 10)
#define CLIENTS_MAX 4096

struct client {
    int fd, isChunked, hasSent;
    CURL *easy;
    struct curl_slist fields, noAccept, noType;
    size_t outputBytes;
    char fieldText[ROOM], input[ROOM], output[ROOM];
};

static CURLM *multi;
static int poller;
static long timeout = -1;
static CURLU *vendor;
static struct client *clients[CLIENTS_MAX];

static void fail(const char *what) {
    fprintf(stderr, "floor: %s\n", what);
    exit(1);
}

static void watch(int fd, int events, int operation) {
    struct epoll_event event = {.events = events, .data.fd = fd};
    epoll_ctl(poller, operation, fd, &event);
}

static int socketChanged(CURL *easy, curl_socket_t fd, int what, void *context, void *known) {
    (void)easy, (void)context;
    int events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
    // A connection at rest stays watched: to forget it and watch it again costs two calls a request.
    if (what != CURL_POLL_REMOVE) {
        watch(fd, events, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD);
        curl_multi_assign(multi, fd, &poller);
    }
    return 0;
}

static int timerChanged(CURLM *unused, long milliseconds, void *context) {
    (void)unused, (void)context;
    timeout = milliseconds;
    return 0;
}

static void put(struct client *client, const char *bytes, size_t count) {
    if (client->outputBytes + count > ROOM) fail("an answer is too large");
    memcpy(client->output + client->outputBytes, bytes, count);
    client->outputBytes += count;
}

static void flush(struct client *client) {
    if (client->outputBytes > 0
        && send(client->fd, client->output, client->outputBytes, MSG_NOSIGNAL)
            != (ssize_t)client->outputBytes)
        fail("a client does not take its answer");
    client->outputBytes = 0;
}

static size_t receivedField(char *line, size_t size, size_t count, void *context) {
    struct client *client = context;
    put(client, line, size * count);
    if (strncasecmp(line, "transfer-encoding:", 18) == 0) client->isChunked = 1;
    return size * count;
}

static size_t receivedBody(char *bytes, size_t size, size_t count, void *context) {
    struct client *client = context;
    char length[24];
    if (client->isChunked) put(client, length, sprintf(length, "%zx\r\n", size * count));
    put(client, bytes, size * count);
    if (client->isChunked) put(client, "\r\n", 2);
    if (!client->hasSent) flush(client);
    client->hasSent = 1;
    return size * count;
}

static void ended(void) {
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(multi, &left));) {
        struct client *client;
        CURL *easy = message->easy_handle;
        if (message->data.result != CURLE_OK) fail(curl_easy_strerror(message->data.result));
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &client);
        if (client->isChunked) put(client, "0\r\n\r\n", 5);
        flush(client);
        curl_multi_remove_handle(multi, easy);
    }
}

static void takeField(struct client *client, size_t *length, const char *line, size_t count) {
    if (strncasecmp(line, "host:", 5) == 0 || strncasecmp(line, "content-length:", 15) == 0) return;
    memcpy(client->fieldText + *length, line, count);
    *length += count;
}

static void receive(struct client *client) {
    ssize_t count = recv(client->fd, client->input, ROOM - 1, 0);
    if (count <= 0) {
        clients[client->fd] = NULL;
        close(client->fd);
        curl_easy_cleanup(client->easy);
        free(client);
        return;
    }
    client->input[count] = 0;
    char *end = strstr(client->input, "\r\n\r\n");
    char *line = strstr(client->input, "\r\n");
    if (!end) fail("a request is more than one read");
    size_t length = 0;
    while (line < end) {
        char *next = strstr(line + 2, "\r\n");
        takeField(client, &length, line + 2, next + 2 - (line + 2));
        line = next;
    }
    client->fieldText[length < 2 ? 0 : length - 2] = 0;
    char *target = strchr(client->input, ' ') + 1;
    *strchr(target, ' ') = 0;
    client->isChunked = client->hasSent = 0;
    curl_easy_setopt(client->easy, CURLOPT_REQUEST_TARGET, target);
    curl_easy_setopt(client->easy, CURLOPT_POST, 1L);
    curl_easy_setopt(
        client->easy, CURLOPT_POSTFIELDSIZE_LARGE,
        (curl_off_t)(client->input + count - (end + 4)));
    curl_easy_setopt(client->easy, CURLOPT_POSTFIELDS, end + 4);
    curl_easy_setopt(client->easy, CURLOPT_HTTPHEADER, &client->fields);
    curl_multi_add_handle(multi, client->easy);
}

static void accepted(int fd) {
    int one = 1;
    if (fd < 0 || fd >= CLIENTS_MAX) fail("accept");
    struct client *client = calloc(1, sizeof *client);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    client->fd = fd;
    client->easy = curl_easy_init();
    client->fields = (struct curl_slist){client->fieldText, &client->noAccept};
    client->noAccept = (struct curl_slist){"Accept:", &client->noType};
    client->noType = (struct curl_slist){"Content-Type:", NULL};
    curl_easy_setopt(client->easy, CURLOPT_CURLU, vendor);
    curl_easy_setopt(client->easy, CURLOPT_PROXY, "");
    curl_easy_setopt(client->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(client->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(client->easy, CURLOPT_HEADERFUNCTION, receivedField);
    curl_easy_setopt(client->easy, CURLOPT_HEADERDATA, client);
    curl_easy_setopt(client->easy, CURLOPT_WRITEFUNCTION, receivedBody);
    curl_easy_setopt(client->easy, CURLOPT_WRITEDATA, client);
    curl_easy_setopt(client->easy, CURLOPT_PRIVATE, client);
    clients[fd] = client;
    watch(fd, EPOLLIN, EPOLL_CTL_ADD);
}

static int listening(int port) {
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 512)) fail("bind");
    return fd;
}

int main(int count, char **arguments) {
    if (count != 3) fail("usage: floor PORT VENDOR_PORT");
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", atoi(arguments[2]));
    curl_global_init(CURL_GLOBAL_ALL);
    vendor = curl_url();
    curl_url_set(vendor, CURLUPART_URL, url, 0);
    poller = epoll_create1(0);
    multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, socketChanged);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, timerChanged);
    int listener = listening(atoi(arguments[1]));
    watch(listener, EPOLLIN, EPOLL_CTL_ADD);
    for (;;) {
        struct epoll_event events[256];
        int running, ready = epoll_wait(poller, events, 256, timeout < 0 ? 15000 : (int)timeout);
        for (int index = 0; index < ready; index++) {
            int fd = events[index].data.fd;
            if (fd == listener) {
                accepted(accept4(fd, NULL, NULL, SOCK_NONBLOCK));
            } else if (clients[fd]) {
                receive(clients[fd]);
            } else {
                int bits = (events[index].events & EPOLLOUT ? CURL_CSELECT_OUT : 0)
                    | (events[index].events & ~EPOLLOUT ? CURL_CSELECT_IN : 0);
                curl_multi_socket_action(multi, fd, bits, &running);
            }
        }
        if (timeout == 0 || ready == 0) {
            timeout = -1;
            curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
        }
        ended();
    }
}
