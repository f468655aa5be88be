import { beforeAll, describe, expect, it } from 'vitest';
import { confusing } from './confusing-paths.js';
import {
  bearer,
  expectMalformed,
  type ForwardAuthPlay,
  nginx,
  stageForwardAuth,
  traefik,
} from './forward-auth-play.js';

let play: ForwardAuthPlay;
beforeAll(async () => {
  play = await stageForwardAuth();
});

describe('what is said of the protected request', () => {
  it.each([
    ['two X-Forwarded-Uri', ['X-Forwarded-Uri: /a', 'X-Forwarded-Uri: /b']],
    ['the same X-Forwarded-Uri twice', ['X-Forwarded-Uri: /a', 'x-forwarded-uri: /a']],
    ['two X-Original-URL', ['X-Original-URL: /a', 'X-Original-URL: /b']],
    ['two X-Forwarded-Method', ['X-Forwarded-Method: GET', 'X-Forwarded-Method: OPTIONS']],
    ['two X-Original-Method', ['X-Original-Method: GET', 'X-Original-Method: GET']],
    ['both words for the URL', ['X-Forwarded-Uri: /a', 'X-Original-URL: /a']],
    ['both words for the method', ['X-Forwarded-Method: GET', 'X-Original-Method: GET']],
    ["one gateway's method and the other's URL", ['X-Forwarded-Method: OPTIONS', 'X-Original-URL: /a']],
    ["the other's method and one's URL", ['X-Original-Method: OPTIONS', 'X-Forwarded-Uri: /a']],
    ['everything from both', [...traefik, ...nginx]],
    ['a target that is no path', ['X-Forwarded-Uri: orders']],
    ['an asterisk', ['X-Forwarded-Uri: *']],
    ['another scheme', ['X-Original-URL: ftp://shop.example/a']],
  ])('is not believed with %s', async (_what, fields) => {
    const before = play.server.server.calls.length;
    expectMalformed(await play.ask([bearer('fresh'), ...fields]));
    expectMalformed(
      await play.askStrictly([...fields, 'Origin: https://a.example', 'Access-Control-Request-Method: PUT']),
    );
    expect(play.server.server.calls.length).toBe(before);
  });

  it.each(confusing)('is refused where servers would read the path differently: %s', async (suffix) => {
    for (const query of ['', '?x']) {
      expectMalformed(await play.ask([bearer('opaque'), `X-Forwarded-Uri: /api${suffix}${query}`]));
      expectMalformed(
        await play.ask([bearer('opaque'), `X-Original-URL: https://shop.example/api${suffix}${query}`]),
      );
    }
  });
});

describe('a CORS preflight', () => {
  const preflight = ['Origin: https://shop.example', 'Access-Control-Request-Method: PUT'];
  const options = ['X-Forwarded-Method: OPTIONS', 'X-Forwarded-Uri: /orders'];

  it('passes without a token where so configured, and brings none', async () => {
    for (const fields of [options, ['X-Original-Method: OPTIONS', 'X-Original-URL: /orders']]) {
      const answer = await play.askStrictly([...fields, ...preflight]);
      expect(answer).toMatchObject({ status: 200, body: '' });
      expect(answer.header('Authorization')).toBeUndefined();
    }
  });

  it.each([
    ['asks by another method', ['X-Forwarded-Method: GET', ...preflight]],
    ['does not say by which method', preflight],
    ['has no Origin', [...options, 'Access-Control-Request-Method: PUT']],
    ['has no Access-Control-Request-Method', [...options, 'Origin: https://shop.example']],
    ['spells OPTIONS in small letters', ['X-Forwarded-Method: options', ...preflight]],
  ])('needs a token when it %s', async (_what, fields) => {
    expect((await play.askStrictly(fields)).status).toBe(401);
    expect((await play.askStrictly(fields, { method: 'OPTIONS' })).status).toBe(401);
  });

  it('is judged by its token where it has one', async () => {
    expect((await play.askStrictly([...options, ...preflight, bearer('inactive')])).status).toBe(401);
    play.expectPass(await play.askStrictly([...options, ...preflight, bearer('opaque')]));
  });

  it('needs a token unless configured otherwise', async () => {
    expect((await play.ask([...options, ...preflight])).status).toBe(401);
  });
});
