import {
  jwksDocument,
  jwtMinter,
  type PublishedDocument,
  resourceMetadataDocument,
  resourceMetadataUrl,
} from '@phantom-token/core';
import { createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify } from 'jose';
import { assertEqual } from './assertions.js';
import { canaries } from './canaries.js';
import { startAt } from './clock.js';
import { assertAnswer, type DocumentCase, documentCase } from './document-stage.js';
import { goodClaims } from './jwt-samples.js';
import { sendRequest } from './raw-request.js';

const plain = { 'Content-Type': 'text/plain', 'Cache-Control': 'public, max-age=60', 'X-Own': 'yes' };
const metadata = { resource: 'https://api.example/v1', authorizationServers: [goodClaims.iss] };

const failures: readonly (readonly [how: string, body: PublishedDocument['body']])[] = [
  [
    'throws',
    () => {
      throw new Error(canaries.secret);
    },
  ],
  ['rejects', () => Promise.reject(new Error(canaries.secret))],
];

/** Fails at first, then not any more. */
function recovering(): PublishedDocument {
  let reads = 0;
  return {
    headers: plain,
    body() {
      if (reads++ === 0) throw new Error(canaries.secret);
      return 'text';
    },
  };
}

async function createMinter() {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  return jwtMinter({ issuer: 'https://gateway.example', keys: await exportJWK(privateKey) });
}

/** What anybody may read without a token, over real sockets. */
export const documentCases: readonly DocumentCase[] = [
  documentCase(
    'GET gives the document under its own headers',
    { headers: plain, body: () => 'text' },
    async ({ send }) => assertAnswer(await send('GET'), 200, plain, 'text'),
  ),
  documentCase(
    'a document that has to be waited for is given like another',
    { headers: plain, body: async () => 'text' },
    async ({ send }) => assertAnswer(await send('GET'), 200, plain, 'text'),
  ),
  documentCase(
    'text beyond ASCII is given whole',
    { headers: plain, body: () => 'ÄÖÜ 中文' },
    async ({ send }) => assertAnswer(await send('GET'), 200, {}, 'ÄÖÜ 中文'),
  ),
  documentCase(
    'HEAD gives the headers of GET and no body',
    { headers: plain, body: () => 'text' },
    async ({ send }) => assertAnswer(await send('HEAD'), 200, plain, ''),
  ),
  documentCase(
    'credentials are not asked for, and not looked at',
    { headers: plain, body: () => 'text' },
    async ({ send }) => {
      const fields = [['Authorization', 'Bearer a b']] as const;
      assertAnswer(await send('GET', fields), 200, { 'WWW-Authenticate': undefined }, 'text');
    },
  ),
  documentCase(
    'the document is read anew for every request',
    (() => {
      let reads = 0;
      return { headers: plain, body: () => String(++reads) };
    })(),
    async ({ send }) => {
      const bodies = [await send('GET'), await send('GET')].map(({ body }) => Number(body));
      assertEqual((bodies[1] ?? 0) - (bodies[0] ?? 0), 1, 'reads between two requests');
    },
  ),
  documentCase(
    'a preflight is answered for any origin and any header, without reading the document',
    { headers: plain, body: () => 'text' },
    async ({ send, reads }) => {
      const response = await send('OPTIONS', [
        ['Origin', 'https://app.example'],
        ['Access-Control-Request-Method', 'GET'],
        ['Access-Control-Request-Headers', 'mcp-protocol-version'],
      ]);
      const fields = {
        'Access-Control-Allow-Origin': '*',
        'Access-Control-Allow-Methods': 'GET, HEAD, OPTIONS',
        'Access-Control-Allow-Headers': '*',
        'Access-Control-Allow-Credentials': undefined,
      };
      assertAnswer(response, 204, fields, '');
      assertEqual(reads(), 0, 'reads');
    },
  ),
  ...['POST', 'PUT', 'PATCH', 'DELETE'].map((method) =>
    documentCase(
      `${method} is 405 and names what is allowed, without reading the document`,
      { headers: plain, body: () => 'text' },
      async ({ send, reads }) => {
        const fields = { Allow: 'GET, HEAD, OPTIONS', 'Cache-Control': 'no-store', 'X-Own': undefined };
        assertAnswer(await send(method), 405, fields, '');
        assertEqual(reads(), 0, 'reads');
      },
    ),
  ),
  ...failures.flatMap(([how, body]) =>
    ['GET', 'HEAD'].map((method) =>
      documentCase(
        `a document that ${how} is 503 to ${method}, without a word on why`,
        { headers: plain, body },
        async ({ send }) => {
          const response = await send(method);
          const fields = { 'Cache-Control': 'no-store', 'X-Own': undefined };
          assertAnswer(response, 503, fields, '');
          assertEqual(response.text.includes('CANARY'), false, 'whether the answer tells the reason');
        },
      ),
    ),
  ),
  documentCase(
    'a document that failed once is given the next time',
    async () => recovering(),
    async ({ send }) => {
      assertEqual((await send('GET')).status, 503, 'status');
      assertAnswer(await send('GET'), 200, plain, 'text');
    },
  ),
  {
    title: "the minter's keys are a JWK Set with which its JWTs verify",
    async run(serve) {
      const minter = await createMinter();
      const served = await serve(jwksDocument(minter));
      try {
        const response = await sendRequest(served.url).response;
        const fields = {
          'Content-Type': 'application/jwk-set+json',
          'Cache-Control': 'public, max-age=300',
          'Access-Control-Allow-Origin': '*',
        };
        assertAnswer(response, 200, fields, response.body);
        const set = JSON.parse(response.body);
        const members = Object.keys(set.keys[0]).sort();
        assertEqual(members, ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'], 'members of the key');
        const minted = await minter.mint(goodClaims, { now: startAt, expiresAt: startAt + 60 });
        const currentDate = new Date(startAt * 1000);
        await jwtVerify(minted, createLocalJWKSet(set), { issuer: 'https://gateway.example', currentDate });
      } finally {
        await served.close();
      }
    },
  },
  documentCase(
    "an API's metadata is JSON in the words of RFC 9728",
    resourceMetadataDocument(metadata),
    async ({ send }) => {
      const response = await send('GET');
      const fields = { 'Content-Type': 'application/json', 'Access-Control-Allow-Origin': '*' };
      assertAnswer(response, 200, fields, response.body);
      const { resource, authorization_servers, bearer_methods_supported } = JSON.parse(response.body);
      assertEqual(
        [resource, authorization_servers, bearer_methods_supported, resourceMetadataUrl(resource)],
        [
          metadata.resource,
          metadata.authorizationServers,
          ['header'],
          'https://api.example/.well-known/oauth-protected-resource/v1',
        ],
        'the metadata',
      );
    },
  ),
];
