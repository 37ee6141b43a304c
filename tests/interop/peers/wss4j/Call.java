import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.w3c.dom.Document;
import org.w3c.dom.NodeList;

/**
 * Call opus-soap from Java with WSS4J: {@code java Call URL KEYS ping} or {@code java Call URL KEYS post AMOUNT},
 * which posts a voucher of two lines. A last argument says how the signature names its certificate: bst (when left
 * out), bst-str-transform, issuer-serial, ski, thumbprint; or it is the file of a token (a SAML assertion), and the
 * message is signed as the Token model has it.
 *
 * The exit status is 0 for an answer and 3 for a fault, both signed by opus-soap; all else is an exception.
 */
public final class Call {
    private static final String PATH = "/service/OIR/FinansbilagModtag/1";

    public static void main(String[] arguments) throws Exception {
        Path keys = Path.of(arguments[1]);
        boolean post = arguments[2].equals("post");
        int read = post ? 4 : 3;
        String form = arguments.length > read ? arguments[read] : "bst";
        String action = Messages.ACTION + (post ? "ModtagFinansbilag" : "Ping");
        Document message = Xml.envelope(action, post ? Messages.voucher(arguments[3], "") : Messages.ping(""));
        Security security = new Security(keys.resolve("case-system.p12"), "opus-soap", keys.resolve("opus.crt.pem"));
        if (Files.exists(Path.of(form))) {
            security.signWithToken(message, Xml.parse(Files.readAllBytes(Path.of(form))).getDocumentElement());
        } else {
            security.sign(message, form);
        }
        Document reply = Xml.parse(send(arguments[0] + PATH, action, Xml.bytes(message)));
        security.verify(reply, Xml.header(message, Xml.WSA, "MessageID").getTextContent());
        System.exit(tell(reply));
    }

    private static byte[] send(String url, String action, byte[] message) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url))
            .header("Content-Type", "text/xml; charset=utf-8")
            .header("SOAPAction", '"' + action + '"')
            .POST(HttpRequest.BodyPublishers.ofByteArray(message))
            .build();
        HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        return client.send(request, HttpResponse.BodyHandlers.ofByteArray()).body();
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
