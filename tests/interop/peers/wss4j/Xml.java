import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.UUID;
import javax.xml.XMLConstants;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.transform.TransformerFactory;
import javax.xml.transform.dom.DOMSource;
import javax.xml.transform.stream.StreamResult;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;

/** Envelopes as trees and as bytes. */
final class Xml {
    static final String SOAP = "http://schemas.xmlsoap.org/soap/envelope/";
    static final String WSA = "http://www.w3.org/2005/08/addressing";

    private Xml() {}

    static Document parse(byte[] data) throws Exception {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
        factory.setFeature(XMLConstants.FEATURE_SECURE_PROCESSING, true);
        return factory.newDocumentBuilder().parse(new ByteArrayInputStream(data));
    }

    static byte[] bytes(Document document) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        TransformerFactory.newInstance().newTransformer().transform(new DOMSource(document), new StreamResult(out));
        return out.toByteArray();
    }

    /** An unsigned envelope with wsa:Action and a wsa:MessageID of its own. */
    static Document envelope(String action, String body) throws Exception {
        return parse(("<soapenv:Envelope xmlns:soapenv=\"" + SOAP + "\"><soapenv:Header xmlns:wsa=\"" + WSA + "\">"
            + "<wsa:Action>" + action + "</wsa:Action><wsa:MessageID>urn:uuid:" + UUID.randomUUID() + "</wsa:MessageID>"
            + "</soapenv:Header><soapenv:Body>" + body + "</soapenv:Body></soapenv:Envelope>")
            .getBytes(StandardCharsets.UTF_8));
    }

    /** The one child of this name. */
    static Element child(Node parent, String namespace, String name) {
        Element found = null;
        NodeList children = parent.getChildNodes();
        for (int index = 0; index < children.getLength(); index++) {
            Node child = children.item(index);
            if (name.equals(child.getLocalName()) && namespace.equals(child.getNamespaceURI())) {
                if (found != null) {
                    throw new SecurityException(name + " stands twice");
                }
                found = (Element) child;
            }
        }
        if (found == null) {
            throw new SecurityException("no " + name);
        }
        return found;
    }

    /** The header block of this name. */
    static Element header(Document message, String namespace, String name) {
        return child(child(message.getDocumentElement(), SOAP, "Header"), namespace, name);
    }
}
