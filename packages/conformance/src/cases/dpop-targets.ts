import { assertRefused } from '../assertions.js';
import { canaries } from '../canaries.js';
import { publicOrigin } from '../dpop-proofs.js';
import { dpopScene, refused, withProofs } from '../dpop-stage.js';
import { sendBytes } from '../raw-request.js';
import type { SentRequest } from '../stage.js';

const { token } = canaries;

/** What the request is for, and how the client writes that down. */
const spellings: readonly (readonly [what: string, target: string, htu: string])[] = [
  ['a query in the request', '/orders?page=2', '/orders'],
  ['a query in the proof', '/orders', '/orders?page=2'],
  ['other queries in both', '/orders?a=b', '/orders?c=d#e'],
  ['a fragment in the proof', '/orders', '/orders#part'],
  ['an unreserved character encoded in the proof', '/~user', '/%7euser'],
  ['an unreserved character encoded in the request', '/%7Euser', '/~user'],
  ['another case of an encoded octet', '/caf%c3%a9', '/caf%C3%A9'],
  ['the default port', '/orders', ':443/orders'],
  ['no path', '/', ''],
  ['dot segments in the proof', '/orders', '/a/../orders'],
];

const others: readonly (readonly [what: string, target: string, htu: string])[] = [
  ['another case of the path', '/orders', '/Orders'],
  ['a slash more', '/orders', '/orders/'],
  ['an encoded slash', '/a%2Fb', '/a/b'],
  ['an octet encoded twice', '/a%2Fb', '/a%252Fb'],
  ['a part of the path', '/orders/7', '/orders'],
];

const lies: readonly (readonly [name: string, value: string])[] = [
  ['X-Forwarded-Host', 'other.example'],
  ['X-Forwarded-Proto', 'http'],
  ['X-Forwarded-Port', '8443'],
  ['X-Forwarded-Prefix', '/v1'],
  ['X-Forwarded-Uri', '/other'],
  ['X-Original-URL', '/other'],
  ['X-HTTP-Method-Override', 'POST'],
  ['Forwarded', 'host=other.example;proto=http'],
];

/** Which URL a proof may name: that of the configured origin, in any spelling (RFC 9449 §4.3, check 9). */
export const dpopTargetCases = [
  ...spellings.map(([what, target, htu]) =>
    dpopScene(`a proof names the URL of its request with ${what}`, async ({ door, client }) => {
      await door.passes({ ...withProofs(client.prove({ htu: publicOrigin + htu })), target });
      const shouted = `${publicOrigin.toUpperCase()}${htu}`;
      await door.passes({ ...withProofs(client.prove({ htu: shouted })), target });
    }),
  ),
  ...others.map(([what, target, htu]) =>
    dpopScene(`a proof with ${what} names another URL: 401`, async ({ door, client }) => {
      const proof = client.prove({ htu: publicOrigin + htu });
      await door.refuses(refused.faulty('htu'), { ...withProofs(proof), target });
    }),
  ),
  ...lies.map(([name, value]) =>
    dpopScene(`what ${name} says of the URL is not believed`, async ({ door, client }) => {
      const lying = (proof: string): SentRequest => {
        const { fields = [], ...request } = withProofs(proof);
        return { ...request, fields: [...fields, [name, value]] };
      };
      await door.passes(lying(client.prove()));
      for (const htu of ['https://other.example/', 'http://api.example/', `${publicOrigin}/other`])
        await door.refuses(refused.faulty('htu'), lying(client.prove({ htu })));
    }),
  ),
  dpopScene('what Host says of the URL is not believed', async ({ door, client, stage }) => {
    await door.refuses(refused.faulty('htu'), withProofs(client.prove({ htu: `${door.url}/` })));
    const proof = client.prove({ htu: 'https://other.example/' });
    const head = `GET / HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n`;
    const { response } = sendBytes(door.url, `${head}Authorization: DPoP ${token}\r\nDPoP: ${proof}\r\n\r\n`);
    assertRefused(await response, refused.faulty('htu'));
    stage.asked(1);
  }),
];
