import java.time.Instant;
import java.time.LocalDate;
import java.time.temporal.ChronoUnit;
import java.util.UUID;

/** What is sent, as XML. */
final class Messages {
    static final String ACTION = "http://www.kombit.dk/2017/01/01/FinansbilagModtagService_1#";
    private static final String KOMBIT = "http://www.kombit.dk/2017/01/01/";
    private static final String CONTEXT = "http://kombit.dk/xml/schemas/kontekst/2017/01/01/";

    private Messages() {}

    /** `authority` is the CVR number in AuthorityContext, in the Context model; else empty. */
    static String ping(String authority) {
        return "<Ping_I xmlns=\"" + KOMBIT + "\">" + context(authority) + "</Ping_I>";
    }

    /** A voucher of two lines. */
    static String voucher(String amount, String authority) {
        String number = UUID.randomUUID().toString().substring(0, 10);
        LocalDate today = LocalDate.now();
        return "<ModtagFinansbilag_I xmlns=\"" + KOMBIT + "\">" + context(authority) + "<Posteringsbilag>"
            + "<PosteringsbilagFirmakode>0020</PosteringsbilagFirmakode>"
            + "<PosteringsbilagBilagsart>SA</PosteringsbilagBilagsart>"
            + "<PosteringsbilagBilagsdato>" + today + "</PosteringsbilagBilagsdato>"
            + "<PosteringsbilagBogføringsdato>" + today + "</PosteringsbilagBogføringsdato>"
            + "<PosteringsbilagNummer>" + number + "</PosteringsbilagNummer>"
            + "<PosteringsbilagHovedtekst>Blåbærgrød på Ærø</PosteringsbilagHovedtekst>"
            + "<PosteringsbilagReference>WSS4J</PosteringsbilagReference>"
            + line("Debet", amount, "<PosteringslinjeOmkostningssted>1101</PosteringslinjeOmkostningssted>", "52000200", 1)
            + line("Kredit", amount, "", "90540100", 2)
            + "</Posteringsbilag></ModtagFinansbilag_I>";
    }

    private static String line(String side, String amount, String costCentre, String account, int number) {
        return "<Posteringslinje><DebetKreditIndikator>" + side + "</DebetKreditIndikator>"
            + "<PosteringslinjeBeløb>" + amount + "</PosteringslinjeBeløb>"
            + "<PosteringslinjeTekst>Smørrebrød</PosteringslinjeTekst>" + costCentre
            + "<PosteringslinjeArtskonto>" + account + "</PosteringslinjeArtskonto>"
            + "<PosteringslinjeNummer>" + number + "</PosteringslinjeNummer>"
            + "<PosteringslinjeAfsendersystem>KY01</PosteringslinjeAfsendersystem></Posteringslinje>";
    }

    private static String context(String authority) {
        String forWhom = authority.isEmpty() ? "" : "<k:AuthorityContext><k:MunicipalityCVR>" + authority
            + "</k:MunicipalityCVR></k:AuthorityContext>";
        return "<k:HovedOplysninger xmlns:k=\"" + CONTEXT + "\"><k:TransaktionsId>" + UUID.randomUUID()
            + "</k:TransaktionsId><k:TransaktionsTid>" + Instant.now().truncatedTo(ChronoUnit.MILLIS)
            + "</k:TransaktionsTid>" + forWhom + "</k:HovedOplysninger>";
    }
}
