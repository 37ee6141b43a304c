// What is sent.
import { randomUUID } from 'node:crypto';

/** For each request, HovedOplysninger. */
export const context = () => ({ TransaktionsId: randomUUID(), TransaktionsTid: new Date().toISOString() });

const today = new Date().toLocaleDateString('sv'); // YYYY-MM-DD
const line = (side, amount, account, number, costCentre) => ({
  DebetKreditIndikator: side,
  PosteringslinjeBeløb: amount,
  PosteringslinjeTekst: 'Smørrebrød',
  ...costCentre && { PosteringslinjeOmkostningssted: costCentre },
  PosteringslinjeArtskonto: account,
  PosteringslinjeNummer: number,
  PosteringslinjeAfsendersystem: 'KY01',
});

/** A voucher of two lines. */
export const voucher = (amount) => ({
  PosteringsbilagFirmakode: '0020',
  PosteringsbilagBilagsart: 'SA',
  PosteringsbilagBilagsdato: today,
  PosteringsbilagBogføringsdato: today,
  PosteringsbilagNummer: randomUUID().slice(0, 10),
  PosteringsbilagHovedtekst: 'Blåbærgrød på Ærø',
  PosteringsbilagReference: 'Node',
  Posteringslinje: [line('Debet', amount, '52000200', '1', '1101'), line('Kredit', amount, '90540100', '2')],
});
