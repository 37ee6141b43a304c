#!/bin/sh
# Call opus-soap in the Context model with curl and xmllint: sh context.sh URL KEYS ping, or sh context.sh URL KEYS post
# AMOUNT (a voucher of two lines). Nothing is signed: TLS tells who calls, and AuthorityContext for whom. A last argument
# names another certificate than case-system, or is `none`. The exit status is 0 for an answer, 3 for a fault, 1 for else.
set -eu
url=$1 keys=$2 operation=$3
shift 3
amount=''
if [ "$operation" = post ]; then
  amount=$1
  shift
fi
certificate=${1:-case-system}
bodies=$(cd "$(dirname "$0")/../xmlsec1" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
uuid() { cat /proc/sys/kernel/random/uuid; }
authority='<k:AuthorityContext><k:MunicipalityCVR>90810111</k:MunicipalityCVR></k:AuthorityContext>'

{
  echo '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>'
  sed -e "s|</k:HovedOplysninger>|$authority&|" -e "s|@UUID@|$(uuid)|" -e "s|@NUMBER@|$(uuid | cut -c1-10)|" \
    -e "s|@CREATED@|$(date -u +%Y-%m-%dT%H:%M:%SZ)|" -e "s|@TODAY@|$(date +%Y-%m-%d)|g" -e "s|@AMOUNT@|$amount|g" \
    "$bodies/$operation.xml"
  echo '</soap:Body></soap:Envelope>'
} > "$folder/request.xml"

if [ "$certificate" = none ]; then
  set --
else
  set -- --cert "$keys/$certificate.crt.pem" --key "$keys/$certificate.key.pem"
fi
curl --silent --show-error --cacert "$keys/root.crt.pem" "$@" --output "$folder/reply.xml" \
  --header 'Content-Type: text/xml; charset=utf-8' --header 'SOAPAction: ""' \
  --data-binary "@$folder/request.xml" "$url/service/OIR/FinansbilagModtag/1" || exit 1

text() { xmllint --xpath "string(//*[local-name()='$1'])" "$folder/reply.xml"; }
if [ "$(text Fault)" ]; then
  echo "fault $(text faultstring)"
  exit 3
fi
for name in TransaktionsId PosteringskvitteringResultat; do
  found=$(text "$name")
  [ -z "$found" ] || echo "$name $found"
done
