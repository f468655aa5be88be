// Django OAuth Toolkit, which has no JWT in its introspection answers: the gateway mints one.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeServer } from './cases.mjs';
import { startDjango } from './django/server.mjs';

const options = {
  refreshTokens: true,
  // Its answers have no `token_type`; a refresh token is never active there.
  mint: { requireTokenType: false },
};

describeServer('Django OAuth Toolkit', startDjango, {
  ...options,
  checkClaims: ({ client_id }) => assert.equal(client_id, 'app'),
});

const startWithUserTokens = async () => {
  const server = await startDjango();
  return { ...server, issueToken: async (grant) => (await server.issueUserTokens(grant)).access_token };
};

const bearer = async ({ clientId, issueGatewayToken }, folder, scope) => {
  const tokenFile = join(folder, `${scope}-token`);
  await writeFile(tokenFile, await issueGatewayToken(scope), { mode: 0o600 });
  return { method: 'bearer', clientId, tokenFile };
};

describeServer('Django OAuth Toolkit', startWithUserTokens, {
  ...options,
  title: 'the gateway introspects with a token, and mints a JWT for a user',
  introspection: async (server, folder) => ({ clientAuth: await bearer(server, folder, 'introspection') }),
  wrongClientAuth: (server, folder) => bearer(server, folder, 'read'),
  checkClaims: ({ client_id, username, sub }) =>
    assert.deepEqual(
      { client_id, username, sub },
      { client_id: 'user-app', username: 'alice', sub: undefined },
    ),
});
