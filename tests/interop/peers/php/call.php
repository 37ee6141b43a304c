<?php
// Call opus-soap from PHP: php call.php URL KEYS ping, or php call.php URL KEYS post AMOUNT (a voucher of two
// lines). The exit status is 0 for an answer and 3 for a fault, both signed by opus-soap; all else is an exception.

require __DIR__ . '/SignedSoapClient.php';

const KOMBIT = 'http://www.kombit.dk/2017/01/01/';

function line(string $side, string $amount, string $account, int $number, ?string $costCentre = null): array
{
    return array_filter([
        'DebetKreditIndikator' => $side,
        'PosteringslinjeBeløb' => $amount,
        'PosteringslinjeTekst' => 'Smørrebrød',
        'PosteringslinjeOmkostningssted' => $costCentre,
        'PosteringslinjeArtskonto' => $account,
        'PosteringslinjeNummer' => (string) $number,
        'PosteringslinjeAfsendersystem' => 'KY01',
    ], fn ($value) => $value !== null);
}

[, $url, $keys, $operation] = $argv;
$client = new SignedSoapClient(
    "$url/service/OIR/FinansbilagModtag/1?wsdl",
    file_get_contents("$keys/case-system.key.pem"),
    file_get_contents("$keys/case-system.crt.pem"),
    file_get_contents("$keys/opus.crt.pem"),
);
$context = ['TransaktionsId' => uuid(), 'TransaktionsTid' => gmdate('Y-m-d\TH:i:s\Z')];
try {
    if ($operation === 'ping') {
        $answer = $client->Ping(['HovedOplysninger' => $context]);
    } else {
        $answer = $client->ModtagFinansbilag(['HovedOplysninger' => $context, 'Posteringsbilag' => [
            'PosteringsbilagFirmakode' => '0020',
            'PosteringsbilagBilagsart' => 'SA',
            'PosteringsbilagBilagsdato' => date('Y-m-d'),
            'PosteringsbilagBogføringsdato' => date('Y-m-d'),
            'PosteringsbilagNummer' => substr(uuid(), 0, 10),
            'PosteringsbilagHovedtekst' => 'Blåbærgrød på Ærø',
            'PosteringsbilagReference' => 'PHP',
            'Posteringslinje' => [
                line('Debet', $argv[4], '52000200', 1, '1101'),
                line('Kredit', $argv[4], '90540100', 2),
            ],
        ]]);
        echo 'PosteringskvitteringResultat ', $answer->Posteringskvittering->PosteringskvitteringResultat, "\n";
    }
    echo 'TransaktionsId ', $answer->HovedOplysningerSvar->TransaktionsId, "\n";
} catch (SoapFault $fault) {
    if (!$client->verified) {
        throw $fault;
    }
    echo 'fault ', $fault->getMessage(), "\n";
    exit(3);
}
