// Take no reply but one that opus-soap signed. node-soap itself does not look at a reply's signature.
import { DOMParser } from '@xmldom/xmldom';
import { SignedXml } from 'xml-crypto';

const SOAP = 'http://schemas.xmlsoap.org/soap/envelope/';
const WSSE = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd';
const WSU = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd';
const DS = 'http://www.w3.org/2000/09/xmldsig#';
export const WSA = 'http://www.w3.org/2005/08/addressing';

/** Throws unless Body, Timestamp and RelatesTo, where they belong, are signed for the request with this MessageID. */
export function verifyReply(xml, opusCertificate, messageId) {
  if (xml.includes('<!DOCTYPE')) throw new Error('a reply has no DOCTYPE');
  const envelope = new DOMParser().parseFromString(xml, 'text/xml').documentElement;
  const header = child(envelope, SOAP, 'Header');
  const security = child(header, WSSE, 'Security');
  const relation = child(header, WSA, 'RelatesTo');
  const signature = new SignedXml({
    idMode: 'wssecurity',
    publicCert: opusCertificate,
    getCertFromKeyInfo: () => null, // the key is opus-soap's, whatever the message says
  });
  signature.loadSignature(child(security, DS, 'Signature'));
  if (signature.signatureAlgorithm !== 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256') throw new Error('algorithm');
  if (!signature.checkSignature(xml)) throw new Error('opus-soap did not sign this');
  const signed = signature.getReferences().map((reference) => reference.uri);
  for (const part of [child(envelope, SOAP, 'Body'), child(security, WSU, 'Timestamp'), relation]) {
    if (!signed.includes(`#${part.getAttributeNS(WSU, 'Id')}`)) throw new Error(`${part.localName} is not signed`);
  }
  if (relation.textContent !== messageId) throw new Error('the reply belongs to another request');
}

function child(parent, namespace, name) {
  const found = Array.from(parent.childNodes).filter(
    (node) => node.localName === name && node.namespaceURI === namespace,
  );
  if (found.length !== 1) throw new Error(`${found.length} times ${name}`);
  return found[0];
}
