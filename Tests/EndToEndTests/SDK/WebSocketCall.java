import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;

/**
 * Streams and a WebSocket of the JDK's HttpClient with its defaults.
 *
 * <p>{@code java WebSocketCall.java HTTP_PORT SOCKET_PORT}: 100 streamed calls on one client, then 100 messages to a
 * vendor that sends each one back.
 */
class WebSocketCall {
    static class Echo implements WebSocket.Listener {
        final CompletableFuture<Integer> end = new CompletableFuture<>();
        private final StringBuilder text = new StringBuilder();
        private int count = 0;
        private CompletableFuture<?> sent = CompletableFuture.completedFuture(null);

        /**
         * Sends the next message after the one before it.
         *
         * <p>An answer can arrive before the JDK calls the send of its question complete, and the JDK refuses a send
         * while another one is pending.
         */
        private void send(WebSocket socket) {
            String message = "message " + count;
            sent = sent.thenCompose(before -> socket.sendText(message, true));
            fail(sent);
        }

        private void close(WebSocket socket) {
            sent = sent.thenCompose(before -> socket.sendClose(WebSocket.NORMAL_CLOSURE, "done"));
            fail(sent);
        }

        private void fail(CompletableFuture<?> step) {
            step.whenComplete((value, error) -> {
                if (error != null) {
                    end.completeExceptionally(error);
                }
            });
        }

        @Override
        public void onOpen(WebSocket socket) {
            send(socket);
            socket.request(1);
        }

        @Override
        public CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
            text.append(data);
            if (last) {
                if (!text.toString().equals("message " + count)) {
                    end.completeExceptionally(new IllegalStateException(text.toString()));
                }
                text.setLength(0);
                count++;
                if (count == 100) {
                    close(socket);
                } else {
                    send(socket);
                }
            }
            socket.request(1);
            return null;
        }

        @Override
        public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
            end.complete(code == WebSocket.NORMAL_CLOSURE ? count : -code);
            return null;
        }

        @Override
        public void onError(WebSocket socket, Throwable error) {
            end.completeExceptionally(error);
        }
    }

    public static void main(String[] arguments) throws Exception {
        String body =
            "{\"model\":\"gpt-4o\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";
        HttpClient client = HttpClient.newHttpClient();
        HttpRequest request =
            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + arguments[0] + "/v1/chat/completions"))
                .header("content-type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body)).build();
        int streamed = 0;
        for (int round = 0; round < 100; round++) {
            HttpResponse<java.util.stream.Stream<String>> response =
                client.send(request, HttpResponse.BodyHandlers.ofLines());
            boolean ended = response.body().anyMatch(line -> line.equals("data: [DONE]"));
            if (response.statusCode() == 200 && ended) {
                streamed++;
            } else {
                System.out.println("status " + response.statusCode());
            }
        }
        System.out.println(streamed + " streamed");
        Echo echo = new Echo();
        client.newWebSocketBuilder()
            .buildAsync(URI.create("ws://127.0.0.1:" + arguments[1] + "/v1/realtime?model=m"), echo)
            .get(120, TimeUnit.SECONDS);
        System.out.println(echo.end.get(120, TimeUnit.SECONDS) + " messages");
    }
}
