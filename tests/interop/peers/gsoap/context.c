/* Call opus-soap from C with gSOAP in the Context model: context URL KEYS ping, or context URL KEYS post AMOUNT (a voucher
   of two lines). Nothing is signed: TLS tells who calls, and AuthorityContext for whom. A last argument names another
   certificate than case-system, or is none. The exit status is 0 for an answer, 3 for a fault, 1 for anything else. */
#include "soapH.h"
#include "FinansbilagModtagServiceBinding.nsmap"
#include "messages.h"

static char *path(struct soap *soap, const char *keys, const char *name, const char *ending)
{
  char whole[1024];
  snprintf(whole, sizeof whole, "%s/%s%s", keys, name, ending);
  return soap_strdup(soap, whole);
}

/* Trust what the root has issued, and show the certificate. */
static int show(struct soap *soap, const char *keys, const char *name)
{
  if (soap_ssl_client_context(soap, SOAP_SSL_DEFAULT, NULL, NULL, path(soap, keys, "root", ".crt.pem"), NULL, NULL))
    return 0;
  /* gSOAP wants key and certificate in one file; OpenSSL does not */
  return strcmp(name, "none") == 0
    || (SSL_CTX_use_certificate_file(soap->ctx, path(soap, keys, name, ".crt.pem"), SSL_FILETYPE_PEM) == 1
        && SSL_CTX_use_PrivateKey_file(soap->ctx, path(soap, keys, name, ".key.pem"), SSL_FILETYPE_PEM) == 1);
}

int main(int count, char **arguments)
{
  struct soap *soap = soap_new1(SOAP_C_UTFSTRING);
  struct ns2__HovedOplysningerType context;
  struct ns2__AuthorityContextType authority = {"90810111"};
  char *amount = strcmp(arguments[3], "post") == 0 ? arguments[4] : NULL;
  int read = amount ? 5 : 4;
  if (!show(soap, arguments[2], count > read ? arguments[read] : "case-system"))
    return 1;
  soap_default_ns2__HovedOplysningerType(soap, &context);
  context.AuthorityContext = &authority;
  switch (call(soap, arguments[1], &context, amount)) {
    case SOAP_OK:
      return 0;
    case SOAP_FAULT:
      printf("fault %s\n", soap_fault_string(soap));
      return 3;
    default:
      soap_print_fault(soap, stderr);
      return 1;
  }
}
