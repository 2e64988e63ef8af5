import java.io.FileInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * Calls of the JDK's HttpClient over TLS, with its defaults: it offers HTTP/2 and HTTP/1.1.
 *
 * <p>{@code java SecureCall.java PORT CA CREDENTIAL [PKCS12]}: whole and as a stream; the file's password is
 * {@code weir}.
 */
class SecureCall {
    public static void main(String[] arguments) throws Exception {
        HttpClient client = HttpClient.newBuilder().sslContext(context(arguments)).build();
        int answered = 0;
        for (boolean stream : new boolean[] {false, true}) {
            String body =
                "{\"model\":\"gpt-4o\",\"stream\":" + stream
                    + ",\"messages\":[{\"role\":\"user\",\"content\":\"hi [[mock chunks=5]]\"}]}";
            HttpRequest request =
                HttpRequest.newBuilder(
                        URI.create("https://localhost:" + arguments[0] + "/v1/chat/completions"))
                    .header("content-type", "application/json")
                    .header("authorization", "Bearer " + arguments[2])
                    .POST(HttpRequest.BodyPublishers.ofString(body)).build();
            HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
            boolean isWhole = !stream || response.body().contains("[DONE]");
            if (response.statusCode() == 200 && isWhole
                && response.version() == HttpClient.Version.HTTP_1_1) {
                answered++;
            } else {
                System.out.println(response.statusCode() + " " + response.body());
            }
        }
        System.out.println(answered + " answered");
    }

    private static SSLContext context(String[] arguments) throws Exception {
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        try (FileInputStream file = new FileInputStream(arguments[1])) {
            trusted.setCertificateEntry(
                "ca", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
        trust.init(trusted);
        KeyManagerFactory keys = null;
        if (arguments.length > 3) {
            KeyStore own = KeyStore.getInstance("PKCS12");
            try (FileInputStream file = new FileInputStream(arguments[3])) {
                own.load(file, "weir".toCharArray());
            }
            keys = KeyManagerFactory.getInstance("PKIX");
            keys.init(own, "weir".toCharArray());
        }
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys == null ? null : keys.getKeyManagers(), trust.getTrustManagers(), null);
        return context;
    }
}
