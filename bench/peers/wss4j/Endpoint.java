import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Executors;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.transform.Transformer;
import javax.xml.transform.TransformerFactory;
import javax.xml.transform.dom.DOMSource;
import javax.xml.transform.stream.StreamResult;
import org.apache.ws.security.WSConstants;
import org.apache.ws.security.WSDataRef;
import org.apache.ws.security.WSEncryptionPart;
import org.apache.ws.security.WSSConfig;
import org.apache.ws.security.WSSecurityEngine;
import org.apache.ws.security.WSSecurityEngineResult;
import org.apache.ws.security.components.crypto.CryptoFactory;
import org.apache.ws.security.components.crypto.Merlin;
import org.apache.ws.security.message.WSSecHeader;
import org.apache.ws.security.message.WSSecSignature;
import org.apache.ws.security.message.WSSecTimestamp;
import org.apache.xml.security.signature.XMLSignature;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;

/**
 * What a Java endpoint costs that does nothing but security: each POST is parsed, its X.509 signature verified
 * (Body, Timestamp and wsa headers), and answered with a small reply signed over the same parts. No dispatch, no
 * schema, no database, no replay check. {@code java Endpoint KEYSTORE.jks PASSWORD AUTHORITIES.pem}: the key is the store's
 * one entry; the port is written to standard output.
 */
public final class Endpoint {
    private static final String SOAP = "http://schemas.xmlsoap.org/soap/envelope/";
    private static final String WSA = "http://www.w3.org/2005/08/addressing";
    private static final List<String> ADDRESSING = List.of("Action", "MessageID", "RelatesTo", "To");

    private final Merlin own;
    private final Merlin trusted = new Merlin();
    private final String alias;
    private final String password;
    private final WSSecurityEngine engine = new WSSecurityEngine();
    private final DocumentBuilderFactory builders = DocumentBuilderFactory.newInstance();
    private final ThreadLocal<DocumentBuilder> builder = ThreadLocal.withInitial(this::newBuilder);
    private final ThreadLocal<Transformer> writer = ThreadLocal.withInitial(Endpoint::newWriter);

    public static void main(String[] arguments) throws Exception {
        WSSConfig.init();
        Endpoint endpoint = new Endpoint(Path.of(arguments[0]), arguments[1], Path.of(arguments[2]));
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 64);
        server.createContext("/", endpoint::answer);
        server.setExecutor(Executors.newFixedThreadPool(4));
        server.start();
        System.out.println(server.getAddress().getPort());
    }

    private Endpoint(Path keyStore, String password, Path authorities) throws Exception {
        Properties properties = new Properties();
        properties.put("org.apache.ws.security.crypto.provider", Merlin.class.getName());
        properties.put("org.apache.ws.security.crypto.merlin.keystore.type", "jks");
        properties.put("org.apache.ws.security.crypto.merlin.keystore.file", keyStore.toString());
        properties.put("org.apache.ws.security.crypto.merlin.keystore.password", password);
        own = (Merlin) CryptoFactory.getInstance(properties);
        alias = own.getKeyStore().aliases().nextElement();
        this.password = password;
        KeyStore store = KeyStore.getInstance("pkcs12");
        store.load(null, null);
        try (InputStream in = Files.newInputStream(authorities)) {
            int number = 0;
            for (var certificate : CertificateFactory.getInstance("X.509").generateCertificates(in)) {
                store.setCertificateEntry("authority-" + number++, certificate);
            }
        }
        trusted.setTrustStore(store);
        builders.setNamespaceAware(true);
        builders.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
    }

    private DocumentBuilder newBuilder() {
        try {
            return builders.newDocumentBuilder();
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
    }

    private static Transformer newWriter() {
        try {
            return TransformerFactory.newInstance().newTransformer();
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
    }

    private void answer(HttpExchange exchange) {
        byte[] reply;
        int status = 200;
        try {
            Document request = builder.get().parse(new ByteArrayInputStream(exchange.getRequestBody().readAllBytes()));
            reply = signed(verified(request));
        } catch (Exception refused) {
            ByteArrayOutputStream told = new ByteArrayOutputStream();
            refused.printStackTrace(new PrintWriter(told, true));
            reply = told.toByteArray();
            status = 500;
        }
        try (OutputStream out = exchange.getResponseBody()) {
            exchange.getResponseHeaders().set("Content-Type", "text/xml; charset=utf-8");
            exchange.sendResponseHeaders(status, reply.length);
            out.write(reply);
        } catch (java.io.IOException gone) {
            exchange.close();
        }
    }

    /** The MessageID of a request whose Body, Timestamp and wsa headers are signed, where they stand. */
    private String verified(Document request) throws Exception {
        Set<Element> signed = Collections.newSetFromMap(new IdentityHashMap<>());
        for (WSSecurityEngineResult result : engine.processSecurityHeader(request, null, null, trusted)) {
            if (result.get(WSSecurityEngineResult.TAG_DATA_REF_URIS) instanceof List<?> references) {
                references.forEach(reference -> signed.add(((WSDataRef) reference).getProtectedElement()));
            }
        }
        Element header = child(request.getDocumentElement(), SOAP, "Header");
        String messageId = "";
        check(signed, child(request.getDocumentElement(), SOAP, "Body"));
        check(signed, child(child(header, WSConstants.WSSE_NS, "Security"), WSConstants.WSU_NS, "Timestamp"));
        for (Node node = header.getFirstChild(); node != null; node = node.getNextSibling()) {
            if (WSA.equals(node.getNamespaceURI())) {
                check(signed, (Element) node);
                messageId = node.getLocalName().equals("MessageID") ? node.getTextContent() : messageId;
            }
        }
        return messageId;
    }

    private static void check(Set<Element> signed, Element part) {
        if (!signed.contains(part)) {
            throw new SecurityException(part.getLocalName() + " is not signed");
        }
    }

    private static Element child(Element parent, String namespace, String name) {
        for (Node node = parent.getFirstChild(); node != null; node = node.getNextSibling()) {
            if (name.equals(node.getLocalName()) && namespace.equals(node.getNamespaceURI())) {
                return (Element) node;
            }
        }
        throw new SecurityException("no " + name);
    }

    private byte[] signed(String messageId) throws Exception {
        Document reply = builder.get().parse(new ByteArrayInputStream(("<s:Envelope xmlns:s=\"" + SOAP
            + "\"><s:Header xmlns:wsa=\"" + WSA + "\"><wsa:Action>urn:opus-soap:bench:1#SvarResponse</wsa:Action>"
            + "<wsa:MessageID>urn:uuid:" + UUID.randomUUID() + "</wsa:MessageID><wsa:RelatesTo>" + messageId
            + "</wsa:RelatesTo><wsa:To>" + WSA + "/anonymous</wsa:To></s:Header><s:Body>"
            + "<Kvittering xmlns=\"urn:opus-soap:bench:1\">modtaget</Kvittering></s:Body></s:Envelope>")
            .getBytes(StandardCharsets.UTF_8)));
        WSSecHeader header = new WSSecHeader();
        header.insertSecurityHeader(reply);
        WSSecTimestamp timestamp = new WSSecTimestamp();
        timestamp.setTimeToLive(300);
        timestamp.build(reply, header);
        WSSecSignature signature = new WSSecSignature();
        signature.setUserInfo(alias, password);
        signature.setKeyIdentifierType(WSConstants.BST_DIRECT_REFERENCE);
        signature.setSignatureAlgorithm(XMLSignature.ALGO_ID_SIGNATURE_RSA_SHA256);
        signature.setDigestAlgo(WSConstants.SHA256);
        List<WSEncryptionPart> parts = new java.util.ArrayList<>();
        parts.add(new WSEncryptionPart("Body", SOAP, "Element"));
        parts.add(new WSEncryptionPart("Timestamp", WSConstants.WSU_NS, "Element"));
        ADDRESSING.forEach(name -> parts.add(new WSEncryptionPart(name, WSA, "Element")));
        signature.setParts(parts);
        signature.build(reply, own, header);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        writer.get().transform(new DOMSource(reply), new StreamResult(out));
        return out.toByteArray();
    }
}
