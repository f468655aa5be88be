import { jwtMinter, memoryCache } from '@phantom-token/core';
import { decodeJwt, type JWK } from 'jose';
import type { AdapterCase } from '../adapter.js';
import { activeJson } from '../answers.js';
import { assertEqual } from '../assertions.js';
import { canaries } from '../canaries.js';
import { startAt } from '../clock.js';
import { refused, unknown } from '../expected-answers.js';
import { goodClaims } from '../jwt-samples.js';
import { codes, issuer, minting, sampleKey, saying, verified, without } from '../minting-stage.js';
import type { Answer } from '../scripted-server.js';
import { mintingKeyCases } from './minting-keys.js';
import { mintingTimeCases } from './minting-times.js';

const untyped: readonly (readonly [what: string, says: Answer])[] = [
  ['names no token type', without('token_type')],
  ...['refresh_token', 'N_A', 'mac', '', 'Bearer ', 'Bearer,DPoP'].map(
    (token_type) => [`names the token type ${JSON.stringify(token_type)}`, saying({ token_type })] as const,
  ),
];

const audiences: readonly (readonly [what: string, aud: unknown])[] = [
  ['with another audience', 'https://other.example'],
  ['with an empty list of audiences', []],
];

/** With `mintJwt`, an active answer without a JWT gets one of ours. */
export const mintingCases: readonly AdapterCase[] = [
  minting(
    'a token without a JWT passes with one of ours',
    { says: saying({ iat: startAt - 60 }) },
    async (stage, mint) => {
      await stage.passes(undefined, { signer: mint.signer, source: 'introspection' });
      const { jti, ...payload } = await verified(mint, 0, stage.clock());
      assertEqual(
        payload,
        {
          ...{ sub: goodClaims.sub, aud: goodClaims.aud, client_id: 'app', scope: 'read write' },
          ...{ iss: issuer, token_iss: goodClaims.iss, iat: startAt, exp: startAt + 310 },
        },
        'the claims of the JWT',
      );
      assertEqual(typeof jti, 'string', 'the type of the id');
      stage.asked(1);
    },
  ),
  minting(
    'a minted JWT keeps what else the server said, and nothing in which it put the token',
    {
      says: saying({
        ...{ username: 'somebody', auth_time: startAt - 60, groups: ['a', 'b'] },
        ...{
          jti: canaries.token,
          access_token: canaries.token,
          refresh_token: 'CANARYtoken-of-another-kind',
        },
      }),
    },
    async (stage, mint) => {
      await stage.passes(undefined, { signer: mint.signer });
      const payload = await verified(mint, 0, stage.clock());
      const { username, auth_time, groups } = payload;
      assertEqual([username, auth_time, groups], ['somebody', startAt - 60, ['a', 'b']], 'further claims');
      assertEqual(JSON.stringify(payload).includes('CANARYtoken'), false, 'whether the JWT holds the token');
    },
  ),
  minting(
    'a sender-constrained token is none the less so for being minted for',
    { says: saying({ cnf: { 'x5t#S256': 'thumbprint' } }) },
    async (stage) => {
      const response = await stage.send().response;
      assertEqual(response.status, 401, 'status');
      const { jwt } = await stage.client.exchange(canaries.token);
      assertEqual(decodeJwt(jwt).cnf, { 'x5t#S256': 'thumbprint' }, 'cnf');
    },
  ),
  minting(
    'minters of one name share the JWTs in their cache, others do not',
    {},
    async (stage, { signer, jwts }) => {
      const cache = memoryCache();
      const { jwk } = await sampleKey();
      const mounted = (name: string, keys: JWK | readonly JWK[]) =>
        stage.mount({}, { cache, mintJwt: jwtMinter({ issuer: name, keys }) });
      await (await mounted(issuer, jwk)).passes(undefined, { signer, source: 'introspection' });
      await (await mounted(issuer, [jwk])).passes(undefined, { signer, source: 'memory' });
      assertEqual(jwts[0] === jwts[1], true, 'whether both have the same JWT');
      const other = 'https://other.example';
      await (await mounted(other, jwk)).passes(undefined, { signer, source: 'introspection' });
      assertEqual(decodeJwt(jwts[2] ?? '').iss, other, 'iss');
    },
  ),
  minting('a JWT that the server gives is the one that counts', { says: activeJson() }, async (stage) => {
    await stage.passes();
  }),
  minting('an inactive token gets no JWT', { says: saying({ active: false }) }, async (stage) => {
    await stage.refuses(refused.inactive);
  }),
  minting('a token that has ended gets no JWT', { says: saying({ exp: startAt }) }, async (stage) => {
    await stage.refuses(refused.inactive);
  }),
  ...untyped.map(([what, says]) =>
    minting(`an answer that ${what} is not minted for`, { says }, async (stage) => {
      await stage.refuses(refused.inactive);
    }),
  ),
  ...['Bearer', 'bearer', 'BEARER', 'DPoP', 'dpop'].map((token_type) =>
    minting(
      `an answer of token type ${token_type} is minted for`,
      { says: saying({ token_type }) },
      (stage, { signer }) => stage.passes(undefined, { signer }),
    ),
  ),
  minting(
    'a missing token type raises one warning that names the cure',
    { says: without('token_type') },
    async (stage) => {
      await stage.refuses(refused.inactive);
      await stage.refuses(refused.inactive, 'Bearer another');
      const warnings = stage.events.flatMap((event) => (event.type === 'warning' ? [event] : []));
      assertEqual(
        warnings.map(({ code, message }) => [code, message.includes('requireTokenType: false')]),
        [['WARN_NO_TOKEN_TYPE', true]],
        'warnings',
      );
    },
  ),
  minting(
    'another token type raises no warning of a missing one',
    { says: saying({ token_type: 'mac' }) },
    async (stage) => {
      await stage.refuses(refused.inactive);
      assertEqual(codes(stage), [], 'reported codes');
    },
  ),
  minting(
    'a missing token type is minted for with requireTokenType: false',
    { minter: { requireTokenType: false }, says: without('token_type') },
    (stage, { signer }) => stage.passes(undefined, { signer }),
  ),
  minting(
    'a refresh token is not minted for, even with requireTokenType: false',
    { minter: { requireTokenType: false }, says: saying({ token_type: 'refresh_token' }) },
    async (stage) => stage.refuses(refused.inactive),
  ),
  minting('a scope that the token lacks is asked for as ever', {}, async (stage) => {
    const door = await stage.mount({ requiredScopes: ['admin'] });
    await door.refuses(refused.lacking('admin'));
  }),
  minting(
    'a token without an audience: 502, reported as ERR_MINTING',
    { says: without('aud') },
    async (stage) => {
      await stage.refuses(unknown.unreliable);
      assertEqual(codes(stage), ['ERR_MINTING'], 'reported codes');
    },
  ),
  minting(
    'a token without an audience passes where the minter names one',
    { minter: { audience: 'https://internal.example' }, says: without('aud') },
    async (stage, mint) => {
      await stage.passes(undefined, { signer: mint.signer });
      assertEqual((await verified(mint, 0, stage.clock())).aud, 'https://internal.example', 'aud');
    },
  ),
  ...audiences.map(([what, aud]) =>
    minting(
      `a JWT for a token ${what} is for the audience that the minter names`,
      { minter: { audience: ['https://internal.example', 'more'] }, says: saying({ aud }) },
      async (stage, mint) => {
        await stage.passes(undefined, { signer: mint.signer, claims: {} });
        const payload = await verified(mint, 0, stage.clock());
        assertEqual(payload.aud, ['https://internal.example', 'more'], 'aud');
      },
    ),
  ),
  minting(
    'a token for another audience is refused, whatever audience the minter names',
    {
      minter: { audience: goodClaims.aud },
      client: { audience: goodClaims.aud },
      says: saying({ aud: 'other' }),
    },
    async (stage) => stage.refuses(refused.wrongAudience),
  ),
  ...mintingTimeCases,
  ...mintingKeyCases,
];
