// Sends the requests of a SoapUI project as SoapUI does: what is signed, with what, and whose reply is
// believed is read from the project; WSS4J 1.6 is what SoapUI 5 signs and checks with.
//   java -cp ... AsSoapUi.java PROJECT.xml ...
// prints a line for each test case: project, name, HTTP status, verdict

import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.FileInputStream;
import java.io.StringWriter;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import javax.xml.XMLConstants;
import javax.xml.namespace.NamespaceContext;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.transform.TransformerException;
import javax.xml.transform.TransformerFactory;
import javax.xml.transform.dom.DOMResult;
import javax.xml.transform.dom.DOMSource;
import javax.xml.transform.stream.StreamResult;
import javax.xml.xpath.XPath;
import javax.xml.xpath.XPathConstants;
import javax.xml.xpath.XPathFactory;
import org.apache.ws.security.WSEncryptionPart;
import org.apache.ws.security.WSSecurityEngine;
import org.apache.ws.security.WSSecurityException;
import org.apache.ws.security.components.crypto.Merlin;
import org.apache.ws.security.message.DOMCallbackLookup;
import org.apache.ws.security.message.WSSecHeader;
import org.apache.ws.security.message.WSSecSignature;
import org.apache.ws.security.message.WSSecTimestamp;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;

public class AsSoapUi {
    static final String CON = "http://eviware.com/soapui/config";
    static final XPath XPATH = XPathFactory.newInstance().newXPath();

    public static void main(String[] arguments) throws Exception {
        org.apache.ws.security.WSSConfig.init();
        XPATH.setNamespaceContext(new Prefixes());
        for (String argument : arguments) {
            File file = new File(argument);
            run(parse(new FileInputStream(file).readAllBytes()), file.getParentFile());
        }
    }

    static void run(Document project, File folder) throws Exception {
        for (Node request : all(project, "//con:testStep//con:request[con:request]")) {
            Document message = parse(text(request, "con:request")
                    .replace("${=java.util.UUID.randomUUID()}", UUID.randomUUID().toString())
                    .getBytes(StandardCharsets.UTF_8));
            sign(message, project, text(request, "@outgoingWss"), folder);
            HttpRequest http = HttpRequest.newBuilder(URI.create(text(request, "con:endpoint")))
                    .header("Content-Type", "text/xml;charset=UTF-8")
                    .header("SOAPAction", '"' + text(request, "con:wsaConfig/@action") + '"')
                    .POST(HttpRequest.BodyPublishers.ofString(write(message))).build();
            var reply = HttpClient.newHttpClient().send(http, BodyHandlers.ofByteArray());
            System.out.println(text(project, "/*/@name").replace("opus-soap ", "") + " " + text(request, "@name")
                    + " " + reply.statusCode() + " " + verdict(parse(reply.body()), request, project, folder));
        }
    }

    static void sign(Document message, Document project, String configuration, File folder) throws Exception {
        Node outgoing = one(project, "//con:outgoing[con:name='" + configuration + "']");
        WSSecHeader header = new WSSecHeader();
        header.setMustUnderstand(Boolean.parseBoolean(text(outgoing, "@mustUnderstand")));
        header.insertSecurityHeader(message);
        for (Node entry : all(outgoing, "con:entry")) {
            Node chosen = one(entry, "con:configuration");
            if (text(entry, "@type").equals("Timestamp")) {
                WSSecTimestamp timestamp = new WSSecTimestamp();
                timestamp.setTimeToLive(Integer.parseInt(text(chosen, "timeToLive")));
                timestamp.build(message, header);
                continue;
            }
            WSSecSignature signature = new WSSecSignature();
            signature.setUserInfo(text(entry, "@username"), text(entry, "@password"));
            signature.setKeyIdentifierType(Integer.parseInt(text(chosen, "keyIdentifierType")));
            signature.setSignatureAlgorithm(text(chosen, "signatureAlgorithm"));
            signature.setSigCanonicalization(text(chosen, "signatureCanonicalization"));
            signature.setDigestAlgo(text(chosen, "digestAlgorithm"));
            signature.setUseSingleCertificate(Boolean.parseBoolean(text(chosen, "useSingleCert")));
            List<WSEncryptionPart> parts = new ArrayList<>();
            for (Node part : all(chosen, "signaturePart")) {
                Document map = parse(part.getTextContent().getBytes(StandardCharsets.UTF_8));
                parts.add(new WSEncryptionPart(value(map, "name"), value(map, "namespace"), value(map, "enc")));
            }
            signature.setParts(parts);
            Merlin crypto = new Merlin();
            crypto.setKeyStore(store(project, text(chosen, "crypto"), "KEYSTORE", folder));
            signature.setCallbackLookup(new WithToken(message, signature));
            signature.build(message, crypto, header);
        }
    }

    static String verdict(Document reply, Node request, Document project, File folder) throws Exception {
        String name = text(one(project, "//con:incoming[con:name='" + text(request, "@incomingWss") + "']"),
                "con:signatureCrypto");
        Merlin crypto = new Merlin();
        crypto.setTrustStore(store(project, name, "TRUSTSTORE", folder));
        int results = new WSSecurityEngine().processSecurityHeader(reply, (String) null, null, crypto).size();
        if (results < 3) {
            return "too little is signed";
        }
        if (!text(reply, "//soapenv:Fault").isEmpty()) {
            return "fault " + text(reply, "//faultstring");
        }
        Node match = one(request, "con:assertion[@type='XPath Match']/con:configuration");
        String path = text(match, "path").replaceFirst("(?s)declare namespace.*;\\s*", "");
        String found = text(reply, path);
        return found.equals(text(match, "content")) ? "ok" : "expected another " + path + " than " + found;
    }

    static KeyStore store(Document project, String name, String type, File folder) throws Exception {
        Node crypto = one(project, "//con:crypto[con:source='" + name + "' and con:type='" + type + "']");
        KeyStore store = KeyStore.getInstance("pkcs12");  // as SoapUI does for this ending
        store.load(new FileInputStream(new File(folder, name)), text(crypto, "con:password").toCharArray());
        if (store.size() == 0) {
            throw new IllegalStateException(name + " is empty");
        }
        return store;
    }

    static String value(Document map, String key) throws Exception {
        return text(map, "//con:entry[@key='" + key + "']/@value");
    }

    static Document parse(byte[] data) throws Exception {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        return factory.newDocumentBuilder().parse(new ByteArrayInputStream(data));
    }

    static String write(Document document) throws Exception {
        StringWriter written = new StringWriter();
        var transformer = TransformerFactory.newInstance().newTransformer();
        transformer.setOutputProperty("omit-xml-declaration", "yes");
        transformer.transform(new DOMSource(document), new StreamResult(written));
        return written.toString();
    }

    static List<Node> all(Node from, String path) throws Exception {
        NodeList found = (NodeList) XPATH.evaluate(path, from, XPathConstants.NODESET);
        List<Node> nodes = new ArrayList<>();
        for (int place = 0; place < found.getLength(); place++) {
            nodes.add(found.item(place));
        }
        return nodes;
    }

    static Node one(Node from, String path) throws Exception {
        List<Node> found = all(from, path);
        if (found.size() != 1) {
            throw new IllegalStateException(found.size() + " of " + path);
        }
        return found.get(0);
    }

    static String text(Node from, String path) throws Exception {
        return XPATH.evaluate(path, from);
    }

    // The token is not yet in the message when it is to be signed: SoapUI looks it up at the signature, too.
    static class WithToken extends DOMCallbackLookup {
        private final WSSecSignature signature;

        WithToken(Document message, WSSecSignature signature) {
            super(message);
            this.signature = signature;
        }

        @Override
        public List<Element> getElements(String name, String namespace) throws WSSecurityException {
            List<Element> found = super.getElements(name, namespace);
            if (!found.isEmpty() || !name.equals("BinarySecurityToken")) {
                return found;
            }
            DOMResult copy = new DOMResult();  // with every namespace that it needs
            try {
                TransformerFactory.newInstance().newTransformer()
                        .transform(new DOMSource(signature.getBinarySecurityTokenElement()), copy);
            } catch (TransformerException error) {
                throw new IllegalStateException(error);
            }
            return List.of(((Document) copy.getNode()).getDocumentElement());
        }
    }

    static class Prefixes implements NamespaceContext {
        public String getNamespaceURI(String prefix) {
            return switch (prefix) {
                case "con" -> CON;
                case "soapenv" -> "http://schemas.xmlsoap.org/soap/envelope/";
                case "c" -> "http://kombit.dk/xml/schemas/kontekst/2017/01/01/";
                default -> XMLConstants.NULL_NS_URI;
            };
        }

        public String getPrefix(String uri) {
            return null;
        }

        public java.util.Iterator<String> getPrefixes(String uri) {
            return null;
        }
    }
}
