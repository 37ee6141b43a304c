#!/bin/sh
# Call opus-soap with xmlsec1, xmllint and curl: sh call.sh URL KEYS ping, or sh call.sh URL KEYS post AMOUNT (a voucher
# of two lines). A last argument is the file of a token (a SAML assertion), for an agreement in the Token model.
# The exit status is 0 for an answer and 3 for a fault, both signed by opus-soap; 1 is anything else.
set -eu
url=$1 keys=$2 operation=$3
shift 3
amount='' action=Ping
if [ "$operation" = post ]; then
  amount=$1 action=ModtagFinansbilag
  shift
fi
assertion=${1:-/dev/null} template=envelope.xml token_id=''
here=$(cd "$(dirname "$0")" && pwd)
if [ $# -gt 0 ]; then
  template=envelope-with-token.xml
  token_id=$(xmllint --xpath 'string(/*/@ID)' "$assertion")
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
uuid() { cat /proc/sys/kernel/random/uuid; }
instant() { date -u -d "$1" +%Y-%m-%dT%H:%M:%SZ; }

SOAP=http://schemas.xmlsoap.org/soap/envelope/
WSSE=http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd
WSU=http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd
DS=http://www.w3.org/2000/09/xmldsig#
WSA=http://www.w3.org/2005/08/addressing
SAML=urn:oasis:names:tc:SAML:2.0:assertion
message_id=urn:uuid:$(uuid)

sed -e "s|@BODY@|$(tr -d '\n' < "$here/$operation.xml")|" "$here/$template" | sed \
  -e "s|@ACTION@|http://www.kombit.dk/2017/01/01/FinansbilagModtagService_1#$action|" \
  -e "s|@MESSAGE_ID@|$message_id|" -e "s|@CREATED@|$(instant now)|g" -e "s|@EXPIRES@|$(instant '+5 minutes')|" \
  -e "s|@TOKEN@|$(grep -v -e ----- "$keys/case-system.crt.pem" | tr -d '\n')|" \
  -e "s|@UUID@|$(uuid)|" -e "s|@NUMBER@|$(uuid | cut -c1-10)|" -e "s|@TODAY@|$(date +%Y-%m-%d)|g" \
  -e "s|@AMOUNT@|$amount|g" -e "s|@TOKEN_ID@|$token_id|" -e "/@ASSERTION@/{r $assertion" -e 'd;}' > "$folder/template.xml"

# the elements that a signature may point to: xmlsec1 must be told which attribute is an id
known() {
  for name in "$SOAP:Body" "$WSU:Timestamp" "$WSSE:BinarySecurityToken" \
    "$WSA:Action" "$WSA:MessageID" "$WSA:RelatesTo" "$WSA:To" \
    urn:liberty:sb:2006-08:Framework; do
    printf -- '--id-attr:Id\n%s\n' "$name"
  done
  printf -- '--id-attr:ID\n%s\n' "$SAML:Assertion"
}
named() { echo "*[local-name()='$1' and namespace-uri()='$2']"; }
envelope="/$(named Envelope "$SOAP")"
security="$envelope/$(named Header "$SOAP")/$(named Security "$WSSE")"
signature="$security/$(named Signature "$DS")" # a token has another one, inside
# shellcheck disable=SC2046
xmlsec1 --sign --privkey-pem "$keys/case-system.key.pem" --node-xpath "$signature" $(known) \
  --output "$folder/request.xml" "$folder/template.xml"

curl --silent --show-error --output "$folder/reply.xml" --header 'Content-Type: text/xml; charset=utf-8' \
  --header 'SOAPAction: ""' --data-binary "@$folder/request.xml" "$url/service/OIR/FinansbilagModtag/1"

# the one signature in Security, by opus-soap; and it must be over the Body, the Timestamp and what relates the reply
# to us, each in its place: a good signature over something else in the message says nothing
xpath() { xmllint --xpath "$1" "$folder/reply.xml"; }
refuse() { echo "$1" >&2; exit 1; }
# shellcheck disable=SC2046
xmlsec1 --verify --pubkey-cert-pem "$keys/opus.crt.pem" --node-xpath "$signature" $(known) \
  "$folder/reply.xml" > "$folder/verified" 2>&1 || refuse "$(cat "$folder/verified")"
relates_to="$envelope/$(named Header "$SOAP")/$(named RelatesTo "$WSA")"
for part in "$envelope/$(named Body "$SOAP")" "$security/$(named Timestamp "$WSU")" "$relates_to"; do
  id=$(xpath "string($part/@*[local-name()='Id'])")
  [ "$(xpath "count(//@*[local-name()='Id' and .='$id']) = 1 and count($part) = 1 and
    $signature/$(named SignedInfo "$DS")/$(named Reference "$DS")/@URI = '#$id'")" = true ] \
    || refuse "$part is not signed"
done
[ "$(xpath "string($relates_to)")" = "$message_id" ] || refuse 'a reply to another request'

text() { xpath "string($envelope/$(named Body "$SOAP")//*[local-name()='$1'])"; }
if [ "$(xpath "boolean($envelope/*/$(named Fault "$SOAP"))")" = true ]; then
  echo "fault $(text faultstring)"
  exit 3
fi
for name in TransaktionsId PosteringskvitteringResultat; do
  found=$(text "$name")
  [ -z "$found" ] || echo "$name $found"
done
