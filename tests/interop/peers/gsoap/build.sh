#!/bin/sh
# sh build.sh URL FOLDER: make FOLDER/call and FOLDER/context from the contract at URL.
set -eu
sources=$(cd "$(dirname "$0")" && pwd)
gsoap=/usr/share/gsoap
cd "$2"
wsdl2h -c -x -o opus.h "$1/service/OIR/FinansbilagModtag/1?wsdl"
# gSOAP can check the digest only of what it knows: so the wsa headers, and the detail of a fault as any elements
{
  echo '#import "wsse.h"'
  echo '#import "wsa5.h"'
  echo '#import "dom.h"'
  cat opus.h
  echo 'struct SOAP_ENV__Detail { int __type; void *fault; int __size; xsd__anyType *__elements; char *__any; };'
} > signed.h
soapcpp2 -1 -c -C -L -x "-I$gsoap/import" signed.h
# shellcheck disable=SC2046
cc -I. "-I$gsoap" "-I$gsoap/plugin" -o call "$sources/call.c" soapC.c soapClient.c \
  "$gsoap/custom/struct_timeval.c" "$gsoap/plugin/wsseapi.c" "$gsoap/plugin/wsaapi.c" "$gsoap/plugin/smdevp.c" \
  "$gsoap/plugin/mecevp.c" "$gsoap/plugin/threads.c" $(pkg-config --cflags --libs gsoapssl) -lssl -lcrypto
# shellcheck disable=SC2046
cc -I. "-I$gsoap" -o context "$sources/context.c" soapC.c soapClient.c "$gsoap/custom/struct_timeval.c" \
  $(pkg-config --cflags --libs gsoapssl) -lssl -lcrypto
