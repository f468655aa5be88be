// Glewlwyd, whose introspection answers can be signed: the gateway mints from the plain ones and from the signed ones.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { send } from '../client.mjs';
import { describeServer } from './cases.mjs';
import { resource, startGlewlwyd } from './glewlwyd/server.mjs';
import { withGuide } from './guide-stage.mjs';
import { bearer, challengeOf, claimsOf, withStage } from './stage.mjs';

const options = {
  refreshTokens: true,
  // Every answer says `no-store`.
  cache: { obeyCacheControl: false },
  checkClaims: ({ client_id }) => assert.equal(client_id, 'app'),
};

describeServer('Glewlwyd', startGlewlwyd, options);

describeServer('Glewlwyd', startGlewlwyd, {
  ...options,
  title: 'the gateway mints a JWT from signed answers (RFC 9701)',
  introspection: ({ issuer, jwksUri }) => ({
    accept: 'application/token-introspection+jwt',
    signedResponse: { issuer, jwksUri, audience: resource },
    // A token that is not active has no signed answer, only this status.
    badRequestMeansInactive: true,
  }),
});

const withToken = (token) => ({ method: 'bearer', clientId: 'gateway', token });

describeServer('Glewlwyd', startGlewlwyd, {
  ...options,
  title: 'the gateway introspects with a token',
  introspection: async (server) => ({ clientAuth: withToken(await server.issueGatewayToken()) }),
  wrongClientAuth: async (server) => withToken(await server.issueToken()),
});

describe('Glewlwyd: what the guide says', () => {
  let server;
  before(async () => {
    server = await startGlewlwyd();
  });
  after(() => server?.close());

  for (const [index, what] of ['plain answers', 'signed answers'].entries()) {
    const guide = { example: 'https://login.example.com', audience: resource, index };

    it(`takes a token for the API by ${what}, and none for another`, async () => {
      const token = await server.issueToken();
      const foreign = await server.issueToken({ resource: 'https://billing.example.com' });
      await withGuide('glewlwyd', server, guide, async (stage) => {
        const request = (what) => send(stage.gateway.url, { fields: bearer(what) });
        assert.equal(claimsOf(await request(token), stage).aud, resource);
        assert.match(await challengeOf(401, stage, () => request(foreign)), /error="invalid_token"/);
        assert.match(await challengeOf(401, stage, () => request('garbage')), /error="invalid_token"/);
      });
    });
  }

  it('answers 502 to an answer under application/jwt, which is no access token', async () => {
    const token = await server.issueToken();
    const introspection = { accept: 'application/jwt', mint: undefined };
    await withStage(server, { introspection }, async (stage) => {
      await challengeOf(502, stage, () => send(stage.gateway.url, { fields: bearer(token) }));
    });
  });
});
