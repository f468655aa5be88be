import { choose, jwt } from '../answers.js';
import { scene } from '../case-forms.js';
import { goodClaims } from '../jwt-samples.js';

const claimHeaders = {
  'X-User': 'sub',
  'X-Name': 'name',
  'X-Roles': 'roles',
  'X-Level': 'level',
  'X-None': 'none',
};
const lookedAt = ['x-user', 'x-name', 'x-roles', 'x-level', 'x-none', 'x_user', 'x.user', 'x-other'];
const says = jwt({ ...goodClaims, name: 'Zoë\r\nX-Admin: 1', roles: ['a', 'b c'], level: 3, none: null });

const forged = ['X-User', 'X-Name', 'X-None', 'X_User', 'x.user', 'X-USER'].map(
  (name) => [name, 'mallory'] as const,
);

const fields = {
  'x-user': goodClaims.sub,
  'x-name': 'Zo%C3%AB%0D%0AX-Admin: 1',
  'x-roles': 'a b%20c',
  'x-level': '3',
  'x-none': null,
  x_user: null,
  'x.user': null,
  'x-other': 'kept',
};

/** Chosen claims as headers for what is behind: whatever a client sends under their names is gone. */
export const claimHeaderCases = [
  scene(
    'claims become headers in place of what the client sent, on misses and on hits',
    { says, adapter: { claimHeaders }, lookedAt },
    async ({ passes, asked }) => {
      const sent = { fields: [...forged, ['X-Other', 'kept'] as const] };
      await passes(sent, { fields });
      await passes(sent, { fields, source: 'memory' });
      asked(1);
    },
  ),
  scene(
    "every token's own claims become headers",
    { adapter: { claimHeaders }, lookedAt: ['x-user', 'x-level'] },
    async ({ server, passes }) => {
      server.answer(
        choose(({ form }) => jwt({ ...goodClaims, level: form.get('token') === 'high' ? 9 : undefined })),
      );
      const user = { 'x-user': goodClaims.sub };
      for (let round = 0; round < 2; round++) {
        await passes('Bearer high', { fields: { ...user, 'x-level': '9' } });
        await passes('Bearer low', { fields: { ...user, 'x-level': null } });
      }
    },
  ),
  scene(
    'claims become headers though Authorization is left alone',
    { says, adapter: { claimHeaders, replaceAuthorization: false }, lookedAt },
    async ({ passes }) => {
      await passes({ fields: [...forged, ['X-Other', 'kept']] }, { fields });
    },
  ),
  scene(
    'headers of those names are left alone where no claims are asked for',
    { says, lookedAt: ['x-user'] },
    async ({ passes }) => {
      await passes({ fields: [['X-User', 'mallory']] }, { fields: { 'x-user': 'mallory' } });
    },
  ),
];
