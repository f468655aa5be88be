import { activeJson, jwt } from '../answers.js';
import { row } from '../case-forms.js';
import { startAt } from '../clock.js';
import { refused, unknown } from '../expected-answers.js';
import { goodClaims } from '../jwt-samples.js';

const { unreliable } = unknown;
const jkt = { jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' };
const otherJkt = { jkt: 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs' };
const certificate = { 'x5t#S256': 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2' };

/** A JSON answer and the JWT inside it both speak, and may disagree. */
export const contradictionCases = [
  row('the earlier exp governs when it stands in the JSON', {
    says: activeJson({ exp: startAt + 60 }),
    sees: { claims: { exp: startAt + 60 } },
  }),
  row('the earlier exp governs when it stands in the JWT', {
    says: activeJson({ exp: startAt + 7200 }),
    sees: { claims: { exp: goodClaims.exp } },
  }),
  row('an exp in the JSON alone governs', {
    says: activeJson({ exp: startAt + 60 }, { ...goodClaims, exp: undefined }),
    sees: { claims: { exp: startAt + 60 } },
  }),
  ...(['iss', 'sub', 'client_id'] as const).flatMap((name) => [
    row(`different ${name} in JSON and JWT: 502`, {
      says: activeJson({ [name]: 'somebody else' }),
      gets: unreliable,
    }),
    row(`the same ${name} in JSON and JWT passes`, { says: activeJson({ [name]: goodClaims[name] }) }),
    row(`${name} in JSON alone counts`, {
      says: activeJson({ [name]: goodClaims[name] }, { ...goodClaims, [name]: undefined }),
      sees: { claims: { [name]: goodClaims[name] } },
    }),
  ]),
  row('the scope is what both grant', {
    says: activeJson({ scope: 'admin read' }),
    sees: { claims: { scope: 'read' } },
  }),
  row('a scope that only the JSON grants is missing', {
    says: activeJson({ scope: 'read admin' }),
    adapter: { requiredScopes: ['admin'] },
    gets: refused.lacking('admin'),
  }),
  row('a scope that only the JWT grants is missing', {
    says: activeJson({ scope: 'read' }),
    adapter: { requiredScopes: ['write'] },
    gets: refused.lacking('write'),
  }),
  row('a scope in JSON alone counts', {
    says: activeJson({ scope: 'read' }, { ...goodClaims, scope: undefined }),
    adapter: { requiredScopes: ['read'] },
  }),
  ...[
    ['DPoP key', jkt, refused.senderConstrained] as const,
    ['certificate', certificate, refused.withoutCertificate] as const,
  ].flatMap(([what, cnf, gets]) => [
    row(`a token bound to a ${what}, said in the JSON alone: 401`, {
      says: activeJson({ cnf }),
      gets,
    }),
    row(`a token bound to a ${what}, said in the JWT alone: 401`, {
      says: activeJson({}, { ...goodClaims, cnf }),
      gets,
    }),
    row(`a token bound to a ${what}, said in both: 401`, {
      says: activeJson({ cnf }, { ...goodClaims, cnf }),
      gets,
    }),
    row(`a token bound to a ${what}, said in a bare JWT: 401`, {
      says: jwt({ ...goodClaims, cnf }),
      gets,
    }),
  ]),
  row('a token bound to a key and a certificate, said in both in another order: 401', {
    says: activeJson({ cnf: { ...jkt, ...certificate } }, { ...goodClaims, cnf: { ...certificate, ...jkt } }),
    gets: refused.senderConstrained,
  }),
  row('a token bound to two different keys: 502', {
    says: activeJson({ cnf: jkt }, { ...goodClaims, cnf: otherJkt }),
    gets: unreliable,
  }),
  row('a token bound to a key and to a certificate: 502', {
    says: activeJson({ cnf: jkt }, { ...goodClaims, cnf: certificate }),
    gets: unreliable,
  }),
];
