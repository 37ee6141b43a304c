/* Call opus-soap from C with gSOAP: call URL KEYS ping, or call URL KEYS post AMOUNT (a voucher of two lines).

   The exit status is 0 for an answer and 3 for a fault, both signed by opus-soap; 1 is anything else. */
#include "wsseapi.h"
#include "FinansbilagModtagServiceBinding.nsmap"
#include "messages.h"

static const char *UTILITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";

static FILE *open_key(const char *keys, const char *name)
{
  char path[1024];
  FILE *file;
  snprintf(path, sizeof path, "%s/%s", keys, name);
  file = fopen(path, "r");
  if (!file) { perror(path); exit(1); }
  return file;
}

static X509 *certificate(const char *keys, const char *name)
{
  FILE *file = open_key(keys, name);
  X509 *read = PEM_read_X509(file, NULL, NULL, NULL);
  fclose(file);
  return read;
}

static X509 *opus;

/* OpenSSL's question about the certificate of a reply: it is opus-soap's own, whoever issued it. */
static int pinned(int ok, X509_STORE_CTX *store)
{
  int error = X509_STORE_CTX_get_error(store);
  int issuer_unknown = error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY
    || error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE;
  return (ok || issuer_unknown) && X509_cmp(X509_STORE_CTX_get0_cert(store), opus) == 0;
}

/* Timestamp, token, and a signature over Timestamp and Body. */
static void sign(struct soap *soap, EVP_PKEY *key, X509 *own)
{
  soap_wsse_add_Timestamp(soap, "Time", 300);
  soap_wsse_add_BinarySecurityTokenX509(soap, "X509Token", own);
  soap_wsse_add_KeyInfo_SecurityTokenReferenceX509(soap, "#X509Token");
  soap_wsse_sign_body(soap, SOAP_SMD_SIGN_RSA_SHA256, key, 0);
}

/* Whether Body and Timestamp of what came are signed by opus-soap. */
static int verified(struct soap *soap)
{
  return soap_wsse_verify_body(soap) == SOAP_OK && soap_wsse_verify_element(soap, UTILITY, "Timestamp") == 1;
}

int main(int count, char **arguments)
{
  /* canonical, or what is signed is not what is sent; texts are UTF-8 */
  struct soap *soap = soap_new1(SOAP_XML_CANONICAL | SOAP_C_UTFSTRING);
  struct ns2__HovedOplysningerType context;
  FILE *file = open_key(arguments[2], "case-system.key.pem");
  EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
  int error;
  fclose(file);
  opus = certificate(arguments[2], "opus.crt.pem");
  soap_register_plugin(soap, soap_wsse);
  sign(soap, key, certificate(arguments[2], "case-system.crt.pem"));
  soap->fsslverify = pinned;
  soap_wsse_verify_auto(soap, SOAP_SMD_VRFY_RSA_SHA256, X509_get0_pubkey(opus), 0);
  soap_default_ns2__HovedOplysningerType(soap, &context);
  error = call(soap, arguments[1], &context, count > 4 ? arguments[4] : NULL);
  if (!verified(soap)) {
    fprintf(stderr, "opus-soap did not sign this\n");
    soap_print_fault(soap, stderr);
    return 1;
  }
  if (error != SOAP_FAULT)
    return error == SOAP_OK ? 0 : 1;
  printf("fault %s\n", soap_fault_string(soap));
  return 3;
}
