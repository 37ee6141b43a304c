import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDate;
import java.time.temporal.ChronoUnit;
import java.util.UUID;
import org.w3c.dom.Document;
import org.w3c.dom.NodeList;

/**
 * Call opus-soap from Java with WSS4J: {@code java Call URL KEYS ping} or {@code java Call URL KEYS post AMOUNT},
 * which posts a voucher of two lines. A last argument says how the signature names its certificate: bst (when left
 * out), bst-str-transform, issuer-serial, ski, thumbprint.
 *
 * The exit status is 0 for an answer and 3 for a fault, both signed by opus-soap; all else is an exception.
 */
public final class Call {
    private static final String KOMBIT = "http://www.kombit.dk/2017/01/01/";
    private static final String CONTEXT = "http://kombit.dk/xml/schemas/kontekst/2017/01/01/";
    private static final String PATH = "/service/OIR/FinansbilagModtag/1";
    private static final String ACTION = KOMBIT + "FinansbilagModtagService_1#";

    public static void main(String[] arguments) throws Exception {
        Path keys = Path.of(arguments[1]);
        boolean post = arguments[2].equals("post");
        int read = post ? 4 : 3;
        String form = arguments.length > read ? arguments[read] : "bst";
        String action = ACTION + (post ? "ModtagFinansbilag" : "Ping");
        Document message = Xml.envelope(action, post ? voucher(arguments[3]) : ping());
        Security security = new Security(keys.resolve("case-system.p12"), "opus-soap", keys.resolve("opus.crt.pem"));
        security.sign(message, form);
        Document reply = Xml.parse(send(arguments[0] + PATH, action, Xml.bytes(message)));
        security.verify(reply, Xml.header(message, Xml.WSA, "MessageID").getTextContent());
        System.exit(tell(reply));
    }

    private static String ping() {
        return "<Ping_I xmlns=\"" + KOMBIT + "\">" + context() + "</Ping_I>";
    }

    private static String voucher(String amount) {
        String number = UUID.randomUUID().toString().substring(0, 10);
        LocalDate today = LocalDate.now();
        return "<ModtagFinansbilag_I xmlns=\"" + KOMBIT + "\">" + context() + "<Posteringsbilag>"
            + "<PosteringsbilagFirmakode>0020</PosteringsbilagFirmakode>"
            + "<PosteringsbilagBilagsart>SA</PosteringsbilagBilagsart>"
            + "<PosteringsbilagBilagsdato>" + today + "</PosteringsbilagBilagsdato>"
            + "<PosteringsbilagBogføringsdato>" + today + "</PosteringsbilagBogføringsdato>"
            + "<PosteringsbilagNummer>" + number + "</PosteringsbilagNummer>"
            + "<PosteringsbilagHovedtekst>Blåbærgrød på Ærø</PosteringsbilagHovedtekst>"
            + "<PosteringsbilagReference>WSS4J</PosteringsbilagReference>"
            + line("Debet", amount, "<PosteringslinjeOmkostningssted>1101</PosteringslinjeOmkostningssted>", "52000200", 1)
            + line("Kredit", amount, "", "90540100", 2)
            + "</Posteringsbilag></ModtagFinansbilag_I>";
    }

    private static String line(String side, String amount, String costCentre, String account, int number) {
        return "<Posteringslinje><DebetKreditIndikator>" + side + "</DebetKreditIndikator>"
            + "<PosteringslinjeBeløb>" + amount + "</PosteringslinjeBeløb>"
            + "<PosteringslinjeTekst>Smørrebrød</PosteringslinjeTekst>" + costCentre
            + "<PosteringslinjeArtskonto>" + account + "</PosteringslinjeArtskonto>"
            + "<PosteringslinjeNummer>" + number + "</PosteringslinjeNummer>"
            + "<PosteringslinjeAfsendersystem>KY01</PosteringslinjeAfsendersystem></Posteringslinje>";
    }

    private static String context() {
        return "<k:HovedOplysninger xmlns:k=\"" + CONTEXT + "\"><k:TransaktionsId>" + UUID.randomUUID()
            + "</k:TransaktionsId><k:TransaktionsTid>" + Instant.now().truncatedTo(ChronoUnit.MILLIS)
            + "</k:TransaktionsTid></k:HovedOplysninger>";
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
