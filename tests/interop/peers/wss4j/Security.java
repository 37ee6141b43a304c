import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.apache.ws.security.WSConstants;
import org.apache.ws.security.WSDataRef;
import org.apache.ws.security.WSEncryptionPart;
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

/** Sign requests as an agreement of profile basic or one with tokens asks, and take no reply but a signed one. */
final class Security {
    private static final String SBF = "urn:liberty:sb:2006-08";
    private static final String FRAMEWORK = "<sbf:Framework xmlns:sbf=\"" + SBF + "\" version=\"2.0\""
        + " xmlns:sbfp=\"urn:liberty:sb:profile\" sbfp:profile=\"urn:liberty:sb:profile:basic\"/>";

    private static final Map<String, Integer> FORMS = Map.of(
        "bst", WSConstants.BST_DIRECT_REFERENCE,
        "bst-str-transform", WSConstants.BST_DIRECT_REFERENCE,
        "issuer-serial", WSConstants.ISSUER_SERIAL,
        "ski", WSConstants.SKI_KEY_IDENTIFIER,
        "thumbprint", WSConstants.THUMBPRINT_IDENTIFIER);

    private final Merlin own;
    private final Merlin theirs = new Merlin();
    private final String alias;
    private final String password;

    /** Our key and certificate in a PKCS#12 file, and opus-soap's certificate. */
    Security(Path keyStore, String password, Path opus) throws Exception {
        Properties properties = new Properties();
        properties.put("org.apache.ws.security.crypto.provider", Merlin.class.getName());
        properties.put("org.apache.ws.security.crypto.merlin.keystore.type", "pkcs12");
        properties.put("org.apache.ws.security.crypto.merlin.keystore.file", keyStore.toString());
        properties.put("org.apache.ws.security.crypto.merlin.keystore.password", password);
        own = (Merlin) CryptoFactory.getInstance(properties);
        alias = own.getKeyStore().aliases().nextElement();
        this.password = password;
        KeyStore pinned = KeyStore.getInstance("pkcs12");
        pinned.load(null, null);
        try (InputStream in = Files.newInputStream(opus)) {
            pinned.setCertificateEntry("opus", CertificateFactory.getInstance("X.509").generateCertificate(in));
        }
        theirs.setTrustStore(pinned);
    }

    /** Add Timestamp, token and signature; signed are Body, Timestamp and the wsa headers. */
    void sign(Document message, String form) throws Exception {
        WSSecHeader header = header(message);
        WSSecSignature signature = signature();
        signature.setKeyIdentifierType(FORMS.get(form));
        List<WSEncryptionPart> parts = parts();
        if (form.equals("bst-str-transform")) {
            parts.add(new WSEncryptionPart("STRTransform", "", "Element"));
        }
        signature.setParts(parts);
        signature.build(message, own, header);
    }

    /**
     * Add Framework, Timestamp, the token, which is bound to our key, and a signature; signed are all of them, Body
     * and the wsa headers. WSSecSignatureSAML would want OpenSAML, and to make the token itself.
     */
    void signWithToken(Document message, Element assertion) throws Exception {
        // parsed, for what is made node by node has no xmlns attributes to sign
        Element framework = Xml.parse(FRAMEWORK.getBytes(StandardCharsets.UTF_8)).getDocumentElement();
        Xml.child(message.getDocumentElement(), Xml.SOAP, "Header").appendChild(message.importNode(framework, true));
        WSSecHeader header = header(message);
        Element token = (Element) message.importNode(assertion, true);
        header.getSecurityHeader().appendChild(token);
        WSSecSignature signature = signature();
        signature.setKeyIdentifierType(WSConstants.CUSTOM_KEY_IDENTIFIER);
        signature.setCustomTokenId(token.getAttribute("ID"));
        signature.setCustomTokenValueType(WSConstants.WSS_SAML2_KI_VALUE_TYPE);
        List<WSEncryptionPart> parts = parts();
        parts.add(new WSEncryptionPart("Framework", SBF, "Element"));
        parts.add(new WSEncryptionPart("Assertion", WSConstants.SAML2_NS, "Element"));
        signature.setParts(parts);
        signature.build(message, own, header);
        header.getSecurityHeader().appendChild(signature.getSignatureElement());
    }

    /** A Security header with a Timestamp. */
    private static WSSecHeader header(Document message) throws Exception {
        WSSecHeader header = new WSSecHeader();
        header.insertSecurityHeader(message);
        WSSecTimestamp timestamp = new WSSecTimestamp();
        timestamp.setTimeToLive(300);
        timestamp.build(message, header);
        return header;
    }

    private WSSecSignature signature() {
        WSSecSignature signature = new WSSecSignature();
        signature.setUserInfo(alias, password);
        signature.setSignatureAlgorithm(XMLSignature.ALGO_ID_SIGNATURE_RSA_SHA256); // WSS4J's own choice is SHA-1
        signature.setDigestAlgo(WSConstants.SHA256);
        return signature;
    }

    private static List<WSEncryptionPart> parts() {
        return new ArrayList<>(List.of(
            new WSEncryptionPart("Body", Xml.SOAP, "Element"),
            new WSEncryptionPart("Timestamp", WSConstants.WSU_NS, "Element"),
            new WSEncryptionPart("Action", Xml.WSA, "Element"),
            new WSEncryptionPart("MessageID", Xml.WSA, "Element")));
    }

    /** Throws unless Body, Timestamp and RelatesTo, where they belong, are signed by opus-soap for this request. */
    void verify(Document reply, String messageId) throws Exception {
        List<WSSecurityEngineResult> results = new WSSecurityEngine().processSecurityHeader(reply, null, null, theirs);
        Set<Element> signed = Collections.newSetFromMap(new IdentityHashMap<>());
        for (WSSecurityEngineResult result : results == null ? List.<WSSecurityEngineResult>of() : results) {
            Object references = result.get(WSSecurityEngineResult.TAG_DATA_REF_URIS);
            if (references instanceof List<?> list) {
                list.forEach(reference -> signed.add(((WSDataRef) reference).getProtectedElement()));
            }
        }
        Element relation = Xml.header(reply, Xml.WSA, "RelatesTo");
        for (Element part : List.of(
                Xml.child(reply.getDocumentElement(), Xml.SOAP, "Body"),
                Xml.child(Xml.header(reply, WSConstants.WSSE_NS, "Security"), WSConstants.WSU_NS, "Timestamp"),
                relation)) {
            if (!signed.contains(part)) {
                throw new SecurityException(part.getLocalName() + " is not signed");
            }
        }
        if (!relation.getTextContent().equals(messageId)) {
            throw new SecurityException("the reply belongs to another request");
        }
    }
}
