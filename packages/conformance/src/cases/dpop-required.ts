import { jwt } from '../answers.js';
import { canaries } from '../canaries.js';
import { algs, dpopScene, refused, withProofs } from '../dpop-stage.js';

const asBearer = { authorization: `Bearer ${canaries.token}` };

/** Where DPoP is required no token passes without a proof, whatever it is bound to (RFC 9728 §2). */
export const dpopRequiredCases = [
  dpopScene(
    'where DPoP is required a bound token with its proof passes, and is refused without one',
    async ({ door, client, stage }) => {
      await door.passes(withProofs(client.prove()));
      await door.refuses(refused.withoutProof, asBearer);
      await door.refuses(refused.withoutProof, withProofs());
      stage.asked(1);
    },
    { required: true },
  ),
  dpopScene(
    'where DPoP is required a token that is bound to no key is refused: 401, and again from the cache',
    async ({ door, client, stage }) => {
      stage.server.answer(jwt());
      await door.refuses(refused.otherKey, asBearer);
      await door.refuses(refused.otherKey, { ...withProofs(client.prove()), ...asBearer });
      await door.refuses(refused.otherKey, withProofs(client.prove()));
      stage.asked(1);
    },
    { required: true },
  ),
  dpopScene(
    'where DPoP is required a request without a token is offered nothing else',
    async ({ door }) => {
      await door.refuses(
        {
          status: 401,
          challenge: `DPoP realm="api", ${algs}`,
          body: { error_description: 'no bearer token was sent' },
        },
        { authorization: [] },
      );
    },
    { required: true },
  ),
];
