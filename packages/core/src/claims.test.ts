import { expect, it } from 'vitest';
import { withoutToken } from './claims.js';

const token = 'an-opaque-token-of-some-length';

it('a token is taken out of what is said about it, however deep it stands', () => {
  const claims = { sub: 's', jti: token, nested: { list: [`urn:${token}`] }, other: 'kept' };
  expect(withoutToken(claims, token)).toEqual({ sub: 's', other: 'kept' });
});

it('what decisions rest on stays, whatever it holds', () => {
  const claims = { sub: token, cnf: { jkt: token }, scope: token };
  expect(withoutToken(claims, token)).toBe(claims);
});

it('a short token is taken out where it is all that a claim says', () =>
  expect(withoutToken({ jti: 'read', name: 'reader' }, 'read')).toEqual({ name: 'reader' }));
