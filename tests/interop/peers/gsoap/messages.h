/* What is sent. */
/* A name that nothing else has, as a UUID. */
static char *uuid(struct soap *soap)
{
  return soap_strdup(soap, soap_rand_uuid(soap, ""));
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

/* Send what the operation asks for, and tell the answer; a gSOAP error code, SOAP_FAULT for a fault. */
static int call(struct soap *soap, const char *server, struct ns2__HovedOplysningerType *context, char *amount)
{
  char url[256];
  snprintf(url, sizeof url, "%s/service/OIR/FinansbilagModtag/1", server);
  context->TransaktionsId = uuid(soap);
  context->TransaktionsTid = time(NULL);
  return amount ? post(soap, url, context, amount) : ping(soap, url, context);
}
