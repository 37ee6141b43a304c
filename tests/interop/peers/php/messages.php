<?php
// What is sent.

function uuid(): string
{
    $hex = bin2hex(random_bytes(16));
    return implode('-', [substr($hex, 0, 8), substr($hex, 8, 4), '4' . substr($hex, 13, 3),
        'a' . substr($hex, 17, 3), substr($hex, 20)]);
}

/** For each request, HovedOplysninger. */
function context(): array
{
    return ['TransaktionsId' => uuid(), 'TransaktionsTid' => gmdate('Y-m-d\TH:i:s\Z')];
}

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

/** A voucher of two lines. */
function voucher(string $amount): array
{
    return [
        'PosteringsbilagFirmakode' => '0020',
        'PosteringsbilagBilagsart' => 'SA',
        'PosteringsbilagBilagsdato' => date('Y-m-d'),
        'PosteringsbilagBogføringsdato' => date('Y-m-d'),
        'PosteringsbilagNummer' => substr(uuid(), 0, 10),
        'PosteringsbilagHovedtekst' => 'Blåbærgrød på Ærø',
        'PosteringsbilagReference' => 'PHP',
        'Posteringslinje' => [
            line('Debet', $amount, '52000200', 1, '1101'),
            line('Kredit', $amount, '90540100', 2),
        ],
    ];
}
