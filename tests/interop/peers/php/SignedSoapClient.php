<?php
// PHP's SoapClient with X.509 signatures, by ext-dom and ext-openssl alone.

require_once __DIR__ . '/messages.php'; // uuid()

const SOAP = 'http://schemas.xmlsoap.org/soap/envelope/';
const WSSE = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd';
const WSU = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd';
const WSA = 'http://www.w3.org/2005/08/addressing';
const DS = 'http://www.w3.org/2000/09/xmldsig#';
const EXC_C14N = 'http://www.w3.org/2001/10/xml-exc-c14n#';
const SHA256 = 'http://www.w3.org/2001/04/xmlenc#sha256';
const RSA_SHA256 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256';
const X509 = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3';
const BASE64 = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary';

final class SignedSoapClient extends SoapClient
{
    /** Whether the last reply was signed by opus-soap for the last request. */
    public bool $verified = false;

    private string $messageId = '';

    public function __construct(
        string $wsdl,
        private readonly string $key,
        private readonly string $certificate,
        private readonly string $opus,
    ) {
        parent::__construct($wsdl, ['cache_wsdl' => WSDL_CACHE_NONE, 'exceptions' => true]);
    }

    public function __doRequest(
        string $request,
        string $location,
        string $action,
        int $version,
        bool $oneWay = false,
    ): ?string {
        $this->verified = false;
        $reply = parent::__doRequest($this->sign($request, $action), $location, $action, $version, $oneWay);
        $this->verify((string) $reply);
        $this->verified = true;
        return $reply;
    }

    /** Add wsa headers, Timestamp, token and a signature over all of them but the token, and the Body. */
    private function sign(string $request, string $action): string
    {
        $this->messageId = 'urn:uuid:' . uuid();
        $created = gmdate('Y-m-d\TH:i:s\Z');
        $expires = gmdate('Y-m-d\TH:i:s\Z', time() + 300);
        $token = preg_replace('/-----[^-]+-----|\s/', '', $this->certificate);
        $message = new DOMDocument();
        $message->loadXML($request);
        $body = self::child($message->documentElement, SOAP, 'Body');
        $body->setAttributeNS(WSU, 'wsu:Id', 'body');
        $header = new DOMDocument();
        $header->loadXML('<s:Header xmlns:s="' . SOAP . '" xmlns:wsa="' . WSA . '" xmlns:wsse="' . WSSE . '"'
            . ' xmlns:wsu="' . WSU . '"><wsa:Action wsu:Id="action">' . htmlspecialchars($action) . '</wsa:Action>'
            . '<wsa:MessageID wsu:Id="id">' . $this->messageId . '</wsa:MessageID><wsse:Security s:mustUnderstand="1">'
            . '<wsse:BinarySecurityToken wsu:Id="token" ValueType="' . X509 . '" EncodingType="' . BASE64 . '">'
            . $token . '</wsse:BinarySecurityToken><wsu:Timestamp wsu:Id="time"><wsu:Created>' . $created
            . '</wsu:Created><wsu:Expires>' . $expires . '</wsu:Expires></wsu:Timestamp></wsse:Security></s:Header>');
        $message->documentElement->insertBefore($message->importNode($header->documentElement, true), $body);
        // as the receiver will read it, with its namespaces where they stand now
        $message->loadXML($message->saveXML());
        $references = '';
        foreach (['action', 'id', 'time', 'body'] as $id) {
            [$element] = iterator_to_array($this->find($message, "//*[@wsu:Id='$id']"));
            $references .= '<ds:Reference URI="#' . $id . '"><ds:Transforms><ds:Transform Algorithm="' . EXC_C14N
                . '"/></ds:Transforms><ds:DigestMethod Algorithm="' . SHA256 . '"/><ds:DigestValue>'
                . base64_encode(hash('sha256', $element->C14N(true), true)) . '</ds:DigestValue></ds:Reference>';
        }
        $signature = new DOMDocument();
        $signature->loadXML('<ds:Signature xmlns:ds="' . DS . '"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="'
            . EXC_C14N . '"/><ds:SignatureMethod Algorithm="' . RSA_SHA256 . '"/>' . $references
            . '</ds:SignedInfo><ds:SignatureValue/><ds:KeyInfo><wsse:SecurityTokenReference xmlns:wsse="' . WSSE
            . '"><wsse:Reference URI="#token" ValueType="' . X509
            . '"/></wsse:SecurityTokenReference></ds:KeyInfo></ds:Signature>');
        $signedInfo = self::child($signature->documentElement, DS, 'SignedInfo');
        openssl_sign($signedInfo->C14N(true), $value, $this->key, OPENSSL_ALGO_SHA256);
        self::child($signature->documentElement, DS, 'SignatureValue')->nodeValue = base64_encode($value);
        [$security] = iterator_to_array($this->find($message, '/s:Envelope/s:Header/wsse:Security'));
        $security->appendChild($message->importNode($signature->documentElement, true));
        return $message->saveXML();
    }

    /** Throws unless Body, Timestamp and RelatesTo, where they belong, are signed by opus-soap for this request. */
    private function verify(string $reply): void
    {
        $message = new DOMDocument();
        if (str_contains($reply, '<!DOCTYPE') || !$message->loadXML($reply, LIBXML_NONET)) {
            throw new RuntimeException('the reply is not XML');
        }
        $envelope = $message->documentElement;
        $header = self::child($envelope, SOAP, 'Header');
        $security = self::child($header, WSSE, 'Security');
        $signature = self::child($security, DS, 'Signature');
        $signedInfo = self::child($signature, DS, 'SignedInfo');
        $value = base64_decode(self::child($signature, DS, 'SignatureValue')->textContent);
        if (self::child($signedInfo, DS, 'SignatureMethod')->getAttribute('Algorithm') !== RSA_SHA256
            || openssl_verify($signedInfo->C14N(true), $value, $this->opus, OPENSSL_ALGO_SHA256) !== 1) {
            throw new RuntimeException('opus-soap did not sign this');
        }
        $relation = self::child($header, WSA, 'RelatesTo');
        $parts = [self::child($envelope, SOAP, 'Body'), self::child($security, WSU, 'Timestamp'), $relation];
        foreach ($parts as $part) {
            $this->checkDigest($message, $signedInfo, $part);
        }
        if ($relation->textContent !== $this->messageId) {
            throw new RuntimeException('the reply belongs to another request');
        }
    }

    private function checkDigest(DOMDocument $message, DOMElement $signedInfo, DOMElement $part): void
    {
        $uri = '#' . $part->getAttributeNS(WSU, 'Id');
        foreach ($signedInfo->getElementsByTagNameNS(DS, 'Reference') as $reference) {
            if ($reference->getAttribute('URI') !== $uri) {
                continue;
            }
            [$transform] = iterator_to_array($this->find($message, 'ds:Transforms/ds:Transform/@Algorithm', $reference));
            $digest = self::child($reference, DS, 'DigestMethod')->getAttribute('Algorithm');
            $expected = trim(self::child($reference, DS, 'DigestValue')->textContent);
            if ($transform->value === EXC_C14N && $digest === SHA256
                && hash_equals($expected, base64_encode(hash('sha256', $part->C14N(true), true)))) {
                return;
            }
        }
        throw new RuntimeException("$part->localName is not signed");
    }

    private function find(DOMDocument $message, string $path, ?DOMNode $from = null): DOMNodeList
    {
        $xpath = new DOMXPath($message);
        foreach (['s' => SOAP, 'wsse' => WSSE, 'wsu' => WSU, 'ds' => DS] as $prefix => $namespace) {
            $xpath->registerNamespace($prefix, $namespace);
        }
        return $xpath->query($path, $from);
    }

    /** The one child of this name. */
    private static function child(DOMElement $parent, string $namespace, string $name): DOMElement
    {
        $found = array_filter(iterator_to_array($parent->childNodes), fn ($node) => $node instanceof DOMElement
            && $node->namespaceURI === $namespace && $node->localName === $name);
        if (count($found) !== 1) {
            throw new RuntimeException(count($found) . " times $name");
        }
        return reset($found);
    }
}
