// Call opus-soap in the Context model: node context.js URL KEYS ping, or node context.js URL KEYS post AMOUNT (a voucher
// of two lines). Nothing is signed: TLS tells who calls, and AuthorityContext for whom. A last argument names another
// certificate than case-system, or is `none`. The exit status is 0 for an answer, 3 for a fault; all else is an exception.
import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import soap from 'soap';
import { context, voucher } from './messages.js';

const MUNICIPALITY = '90810111';
const [url, keys, operation, ...rest] = process.argv.slice(2);
const amount = operation === 'post' ? rest.shift() : undefined;
const certificate = rest[0] ?? 'case-system';
const method = operation === 'post' ? 'ModtagFinansbilag' : 'Ping';
const own = certificate === 'none' ? [null, null] : [`${keys}/${certificate}.key.pem`, `${keys}/${certificate}.crt.pem`];
const ca = `${keys}/root.crt.pem`;

// the contract comes over TLS, too, which ClientSSLSecurity knows nothing of; anybody may have it
const client = await soap.createClientAsync(`${url}/service/OIR/FinansbilagModtag/1?wsdl`, {
  wsdl_options: { httpsAgent: new Agent({ ca: readFileSync(ca) }) },
});
client.setSecurity(new soap.ClientSSLSecurity(...own, ca));
const header = { ...context(), AuthorityContext: { MunicipalityCVR: MUNICIPALITY } };
const content = { HovedOplysninger: header, ...(amount && { Posteringsbilag: voucher(amount) }) };

try {
  const [answer] = await client[`${method}Async`](content);
  console.log('TransaktionsId', answer.HovedOplysningerSvar.TransaktionsId);
  if (amount) console.log('PosteringskvitteringResultat', answer.Posteringskvittering[0].PosteringskvitteringResultat);
} catch (error) {
  if (!error.root?.Envelope.Body.Fault) throw error;
  console.log('fault', error.root.Envelope.Body.Fault.faultstring);
  process.exitCode = 3;
}
