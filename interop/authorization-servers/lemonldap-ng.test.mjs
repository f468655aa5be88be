// LemonLDAP::NG: tokens of clients and of users.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { send } from '../client.mjs';
import { describeServer } from './cases.mjs';
import { withGuide } from './guide-stage.mjs';
import { startLemonLdapNgForClients, startLemonLdapNgForUsers } from './lemonldap-ng/server.mjs';
import { bearer, challengeOf, claimsOf } from './stage.mjs';

const options = {
  // Every answer says `no-store`.
  cache: { obeyCacheControl: false },
  // No answer has a `token_type`; refresh tokens are not active here.
  mint: { requireTokenType: false },
};

describeServer('LemonLDAP::NG', startLemonLdapNgForClients, {
  ...options,
  title: 'the gateway mints a JWT for a client',
  checkClaims: ({ sub }) => assert.equal(sub, 'app'),
});

describeServer('LemonLDAP::NG', startLemonLdapNgForUsers, {
  ...options,
  title: 'the gateway mints a JWT for a user',
  refreshTokens: true,
  checkClaims: ({ sub }) => assert.equal(sub, 'dwho'),
});

it("LemonLDAP::NG: the guide's configuration takes a token, and no other", async () => {
  const server = await startLemonLdapNgForClients();
  try {
    const token = await server.issueToken();
    const guide = { example: 'https://auth.example.com', audience: 'api' };
    await withGuide('lemonldap-ng', server, guide, async (stage) => {
      const request = (what) => send(stage.gateway.url, { fields: bearer(what) });
      assert.equal(claimsOf(await request(token), stage).sub, 'app');
      assert.match(await challengeOf(401, stage, () => request('garbage')), /error="invalid_token"/);
    });
  } finally {
    await server.close();
  }
});
