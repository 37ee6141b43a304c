import java.io.InputStream;
import java.io.PrintStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.w3c.dom.Document;
import org.w3c.dom.NodeList;

/**
 * Call opus-soap in the Context model, with the JDK alone: {@code java ContextCall URL KEYS ping} or
 * {@code java ContextCall URL KEYS post AMOUNT}, which posts a voucher of two lines. Nothing is signed: TLS tells who
 * calls, and AuthorityContext for whom. A last argument names another keystore than case-system, or is none.
 *
 * The exit status is 0 for an answer and 3 for a fault; all else is an exception.
 */
public final class ContextCall {
    private static final String MUNICIPALITY = "90810111";
    private static final char[] PASSWORD = "opus-soap".toCharArray();
    private static final String PATH = "/service/OIR/FinansbilagModtag/1";

    public static void main(String[] arguments) throws Exception {
        Path keys = Path.of(arguments[1]);
        boolean post = arguments[2].equals("post");
        int read = post ? 4 : 3;
        String certificate = arguments.length > read ? arguments[read] : "case-system";
        String action = Messages.ACTION + (post ? "ModtagFinansbilag" : "Ping");
        String body = post ? Messages.voucher(arguments[3], MUNICIPALITY) : Messages.ping(MUNICIPALITY);
        HttpsURLConnection connection = (HttpsURLConnection) URI.create(arguments[0] + PATH).toURL().openConnection();
        connection.setSSLSocketFactory(tls(keys, certificate).getSocketFactory());
        System.exit(tell(send(connection, action, Xml.bytes(Xml.envelope(action, body)))));
    }

    private static SSLContext tls(Path keys, String certificate) throws Exception {
        KeyStore trusted = KeyStore.getInstance("pkcs12");
        trusted.load(null, null);
        try (InputStream in = Files.newInputStream(keys.resolve("root.crt.pem"))) {
            trusted.setCertificateEntry("root", CertificateFactory.getInstance("X.509").generateCertificate(in));
        }
        TrustManagerFactory theirs = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        theirs.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(certificate.equals("none") ? null : own(keys, certificate), theirs.getTrustManagers(), null);
        return context;
    }

    private static KeyManager[] own(Path keys, String certificate) throws Exception {
        KeyStore store = KeyStore.getInstance("pkcs12");
        try (InputStream in = Files.newInputStream(keys.resolve(certificate + ".p12"))) {
            store.load(in, PASSWORD);
        }
        KeyManagerFactory factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        factory.init(store, PASSWORD);
        return factory.getKeyManagers();
    }

    private static Document send(HttpsURLConnection connection, String action, byte[] message) throws Exception {
        connection.setRequestProperty("Content-Type", "text/xml; charset=utf-8");
        connection.setRequestProperty("SOAPAction", '"' + action + '"');
        connection.setDoOutput(true);
        connection.getOutputStream().write(message);
        boolean good = connection.getResponseCode() == 200; // a fault comes with 500
        try (InputStream in = good ? connection.getInputStream() : connection.getErrorStream()) {
            return Xml.parse(in.readAllBytes());
        }
    }

    private static int tell(Document reply) {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        if (reply.getElementsByTagNameNS(Xml.SOAP, "Fault").getLength() > 0) {
            out.println("fault " + reply.getElementsByTagName("faultstring").item(0).getTextContent());
            return 3;
        }
        for (String name : new String[] {"TransaktionsId", "PosteringskvitteringResultat"}) {
            NodeList found = reply.getElementsByTagNameNS("*", name);
            if (found.getLength() > 0) {
                out.println(name + " " + found.item(0).getTextContent());
            }
        }
        return 0;
    }
}
