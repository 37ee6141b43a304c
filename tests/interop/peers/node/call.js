// Call opus-soap from Node: node call.js URL KEYS ping, or node call.js URL KEYS post AMOUNT (a voucher of two
// lines). A last argument is the signature's form: `default` is what WSSecurityCert does when it is told nothing,
// `wssecurity` gives wsu:Ids. The exit status is 0 for an answer and 3 for a fault, both signed by opus-soap.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import soap from 'soap';
import { context, voucher } from './messages.js';
import { verifyReply, WSA } from './verify.js';

const [url, keys, operation, ...rest] = process.argv.slice(2);
const amount = operation === 'post' ? rest.shift() : undefined;
const form = rest[0] ?? 'default';
const pem = (name) => readFileSync(`${keys}/${name}`, 'utf8');
const ACTION = 'http://www.kombit.dk/2017/01/01/FinansbilagModtagService_1#';
const method = operation === 'post' ? 'ModtagFinansbilag' : 'Ping';

const client = await soap.createClientAsync(`${url}/service/OIR/FinansbilagModtag/1?wsdl`);
const messageId = `urn:uuid:${randomUUID()}`;
client.addSoapHeader(`<wsa:Action xmlns:wsa="${WSA}">${ACTION}${method}</wsa:Action>`);
client.addSoapHeader(`<wsa:MessageID xmlns:wsa="${WSA}">${messageId}</wsa:MessageID>`);
client.setSecurity(
  new soap.WSSecurityCert(pem('case-system.key.pem'), pem('case-system.crt.pem'), '', {
    additionalReferences: ['wsa:Action', 'wsa:MessageID'],
    ...(form === 'wssecurity' && { signerOptions: { idMode: 'wssecurity' } }),
  }),
);
let reply;
client.on('response', (body) => { reply = body; });

const content = { HovedOplysninger: context(), ...(operation === 'post' && { Posteringsbilag: voucher(amount) }) };

try {
  const [answer] = await client[`${method}Async`](content);
  verifyReply(reply, pem('opus.crt.pem'), messageId);
  console.log('TransaktionsId', answer.HovedOplysningerSvar.TransaktionsId);
  if (amount) console.log('PosteringskvitteringResultat', answer.Posteringskvittering[0].PosteringskvitteringResultat);
} catch (error) {
  if (!error.root?.Envelope.Body.Fault) throw error;
  verifyReply(error.body, pem('opus.crt.pem'), messageId);
  console.log('fault', error.root.Envelope.Body.Fault.faultstring);
  process.exitCode = 3;
}
