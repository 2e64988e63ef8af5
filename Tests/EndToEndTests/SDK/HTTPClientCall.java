import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;

/**
 * Calls of the JDK's HttpClient with its defaults: on plain http it offers HTTP/2 with each request.
 *
 * <p>{@code java HTTPClientCall.java PORT}: with a length, in chunks, as GET; three times each on one client.
 */
class HTTPClientCall {
    public static void main(String[] arguments) throws Exception {
        String base = "http://127.0.0.1:" + arguments[0];
        String body = "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";
        HttpClient client = HttpClient.newHttpClient();
        int answered = 0;
        for (int round = 0; round < 3; round++) {
            HttpRequest.Builder builder =
                HttpRequest.newBuilder(URI.create(base + "/v1/chat/completions"))
                    .header("content-type", "application/json");
            HttpRequest[] requests = {
                builder.copy().POST(HttpRequest.BodyPublishers.ofString(body)).build(),
                builder.copy().POST(HttpRequest.BodyPublishers.ofInputStream(
                    () -> new java.io.ByteArrayInputStream(
                        body.getBytes(StandardCharsets.UTF_8)))).build(),
                HttpRequest.newBuilder(URI.create(base + "/v1/models")).build(),
            };
            for (HttpRequest request : requests) {
                HttpResponse<String> response =
                    client.send(request, HttpResponse.BodyHandlers.ofString());
                if (response.statusCode() == 200
                    && response.version() == HttpClient.Version.HTTP_1_1) {
                    answered++;
                } else {
                    System.out.println(response.statusCode() + " " + response.body());
                }
            }
        }
        System.out.println(answered + " answered");
    }
}
