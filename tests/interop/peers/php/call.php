<?php
// Call opus-soap from PHP: php call.php URL KEYS ping, or php call.php URL KEYS post AMOUNT (a voucher of two
// lines). The exit status is 0 for an answer and 3 for a fault, both signed by opus-soap; all else is an exception.

require __DIR__ . '/SignedSoapClient.php';

[, $url, $keys, $operation] = $argv;
$client = new SignedSoapClient(
    "$url/service/OIR/FinansbilagModtag/1?wsdl",
    file_get_contents("$keys/case-system.key.pem"),
    file_get_contents("$keys/case-system.crt.pem"),
    file_get_contents("$keys/opus.crt.pem"),
);
try {
    if ($operation === 'ping') {
        $answer = $client->Ping(['HovedOplysninger' => context()]);
    } else {
        $posted = ['HovedOplysninger' => context(), 'Posteringsbilag' => voucher($argv[4])];
        $answer = $client->ModtagFinansbilag($posted);
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
