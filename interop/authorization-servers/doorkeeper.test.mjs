// Doorkeeper, which has no JWT in its introspection answers: the gateway mints one.
import assert from 'node:assert/strict';
import { describeServer } from './cases.mjs';
import { startDoorkeeper } from './doorkeeper/server.mjs';

const options = {
  refreshTokens: true,
  // Rails says `max-age=0` on every answer.
  cache: { obeyCacheControl: false },
};

describeServer('Doorkeeper', startDoorkeeper, {
  ...options,
  checkClaims: ({ client_id, sub }) =>
    assert.deepEqual({ client_id, sub }, { client_id: 'app', sub: undefined }),
});

const startWithoutExpiry = async () => {
  const server = await startDoorkeeper({ tokenSeconds: undefined });
  return { ...server, issueToken: async (grant) => (await server.issueUserTokens(grant)).access_token };
};

describeServer('Doorkeeper', startWithoutExpiry, {
  ...options,
  title: 'the gateway mints a JWT for a user, whose token does not expire',
  cache: { ...options.cache, noExpiryTtlSeconds: 60 },
  checkClaims: ({ client_id, sub }) => assert.deepEqual({ client_id, sub }, { client_id: 'app', sub: '1' }),
});
