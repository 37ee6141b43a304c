<?php
// Call opus-soap in the Context model: php context.php URL KEYS ping, or php context.php URL KEYS post AMOUNT (a voucher
// of two lines). Nothing is signed: TLS tells who calls, and AuthorityContext for whom. A last argument names another
// certificate than case-system, or is `none`. The exit status is 0 for an answer, 3 for a fault; all else is an exception.

require __DIR__ . '/messages.php';

const MUNICIPALITY = '90810111';

[, $url, $keys, $operation] = $argv;
$rest = array_slice($argv, $operation === 'post' ? 5 : 4);
$certificate = $rest[0] ?? 'case-system';
$tls = ['cafile' => "$keys/root.crt.pem"];
if ($certificate !== 'none') {
    $tls += ['local_cert' => "$keys/$certificate.crt.pem", 'local_pk' => "$keys/$certificate.key.pem"];
}
$client = new SoapClient("$url/service/OIR/FinansbilagModtag/1?wsdl", [
    'stream_context' => stream_context_create(['ssl' => $tls]),
    'cache_wsdl' => WSDL_CACHE_NONE,
    'trace' => true, // or a fault of opus-soap and PHP's own cannot be told apart
]);
$header = context() + ['AuthorityContext' => ['MunicipalityCVR' => MUNICIPALITY]];
try {
    if ($operation === 'ping') {
        $answer = $client->Ping(['HovedOplysninger' => $header]);
    } else {
        $posted = ['HovedOplysninger' => $header, 'Posteringsbilag' => voucher($argv[4])];
        $answer = $client->ModtagFinansbilag($posted);
        echo 'PosteringskvitteringResultat ', $answer->Posteringskvittering->PosteringskvitteringResultat, "\n";
    }
    echo 'TransaktionsId ', $answer->HovedOplysningerSvar->TransaktionsId, "\n";
} catch (SoapFault $fault) {
    if (!$client->__getLastResponse()) {
        throw $fault;
    }
    echo 'fault ', $fault->getMessage(), "\n";
    exit(3);
}
