/* Call opus-soap from C with gSOAP: call URL KEYS ping, or call URL KEYS post AMOUNT (a voucher of two lines).

   The exit status is 0 for an answer and 3 for a fault, both signed by opus-soap; 1 is anything else. */
#include "wsseapi.h"
#include "FinansbilagModtagServiceBinding.nsmap"

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

/* A name that nothing else has, as a UUID. */
static char *uuid(struct soap *soap)
{
  return soap_strdup(soap, soap_rand_uuid(soap, ""));
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

static int ping(struct soap *soap, const char *url, struct ns2__HovedOplysningerType *context)
{
  struct ns1__Ping_USCOREIType request;
  struct ns1__Ping_USCOREOType answer;
  soap_default_ns1__Ping_USCOREIType(soap, &request);
  request.ns2__HovedOplysninger = context;
  if (soap_call___ns1__Ping(soap, url, NULL, &request, &answer))
    return soap->error;
  printf("TransaktionsId %s\n", answer.ns2__HovedOplysningerSvar->TransaktionsId);
  return SOAP_OK;
}

static void fill(struct soap *soap, struct ns1__PosteringslinjeType *line, enum ns1__DebetKreditIndikatorType side,
  char *amount, char *account, char *number)
{
  soap_default_ns1__PosteringslinjeType(soap, line);
  line->DebetKreditIndikator = side;
  line->PosteringslinjeBel_x00f8b = amount;
  line->PosteringslinjeTekst = "Smørrebrød";
  line->PosteringslinjeArtskonto = account;
  line->PosteringslinjeNummer = number;
  line->PosteringslinjeAfsendersystem = "KY01";
}

static int post(struct soap *soap, const char *url, struct ns2__HovedOplysningerType *context, char *amount)
{
  struct ns1__ModtagFinansbilag_USCOREIType request;
  struct ns1__ModtagFinansbilag_USCOREOType answer;
  struct ns1__PosteringsbilagType voucher;
  struct ns1__PosteringslinjeType lines[2];
  char today[11];
  time_t now = time(NULL);
  strftime(today, sizeof today, "%Y-%m-%d", localtime(&now));
  soap_default_ns1__PosteringsbilagType(soap, &voucher);
  voucher.PosteringsbilagFirmakode = "0020";
  voucher.PosteringsbilagBilagsart = "SA";
  voucher.PosteringsbilagBilagsdato = today;
  voucher.PosteringsbilagBogf_x00f8ringsdato = today;
  voucher.PosteringsbilagNummer = uuid(soap);
  voucher.PosteringsbilagNummer[10] = '\0';
  voucher.PosteringsbilagHovedtekst = "Blåbærgrød på Ærø";
  voucher.PosteringsbilagReference = "gSOAP";
  fill(soap, &lines[0], ns1__DebetKreditIndikatorType__Debet, amount, "52000200", "1");
  lines[0].PosteringslinjeOmkostningssted = "1101";
  fill(soap, &lines[1], ns1__DebetKreditIndikatorType__Kredit, amount, "90540100", "2");
  voucher.__sizePosteringslinje = 2;
  voucher.Posteringslinje_ = lines;
  soap_default_ns1__ModtagFinansbilag_USCOREIType(soap, &request);
  request.ns2__HovedOplysninger = context;
  request.__sizePosteringsbilag = 1;
  request.Posteringsbilag_ = &voucher;
  if (soap_call___ns1__ModtagFinansbilag(soap, url, NULL, &request, &answer))
    return soap->error;
  printf("PosteringskvitteringResultat %s\n", soap_ns1__PosteringskvitteringResultatType2s(soap,
    answer.Posteringskvittering_->PosteringskvitteringResultat));
  return SOAP_OK;
}

int main(int count, char **arguments)
{
  /* canonical, or what is signed is not what is sent; texts are UTF-8 */
  struct soap *soap = soap_new1(SOAP_XML_CANONICAL | SOAP_C_UTFSTRING);
  struct ns2__HovedOplysningerType context;
  char url[256];
  FILE *file = open_key(arguments[2], "case-system.key.pem");
  EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
  int error;
  fclose(file);
  opus = certificate(arguments[2], "opus.crt.pem");
  snprintf(url, sizeof url, "%s/service/OIR/FinansbilagModtag/1", arguments[1]);
  soap_register_plugin(soap, soap_wsse);
  sign(soap, key, certificate(arguments[2], "case-system.crt.pem"));
  soap->fsslverify = pinned;
  soap_wsse_verify_auto(soap, SOAP_SMD_VRFY_RSA_SHA256, X509_get0_pubkey(opus), 0);
  soap_default_ns2__HovedOplysningerType(soap, &context);
  context.TransaktionsId = uuid(soap);
  context.TransaktionsTid = time(NULL);
  error = count > 4 ? post(soap, url, &context, arguments[4]) : ping(soap, url, &context);
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
