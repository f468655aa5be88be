import { beforeAll, describe, expect, it } from 'vitest';
import { confusing } from './confusing-paths.js';
import { type Fate, type Play, stageRoutes } from './route-play.js';

describe('a route', () => {
  let play: Play;
  beforeAll(async () => {
    play = await stageRoutes([
      { name: 'inner', path: '/api/inner' },
      { name: 'api', path: '/api' },
      { name: 'late', path: '/api/late' },
      { name: 'stripped', path: '/strip', stripPath: true },
      { name: 'based', path: '/base', base: '/v1/' },
      { name: 'both', path: '/both', base: '/v1', stripPath: true },
      { name: 'slash', path: '/slash/' },
    ]);
  });

  it.each<[string, Fate]>([
    ['/api', ['api', '/api']],
    ['/api/', ['api', '/api/']],
    ['/api/x', ['api', '/api/x']],
    ['/api?x', ['api', '/api?x']],
    ['/api/x/', ['api', '/api/x/']],
    ['/apix', 404],
    ['/ap', 404],
    ['/API', 404],
    ['/', 404],
    ['/x/api', 404],
    ['/api.x', 404],
    ['/api-x/y', 404],
    ['/slash/x', ['slash', '/slash/x']],
    ['/slash', ['slash', '/slash']],
    ['/slashx', 404],
  ])('is found by whole segments: %s', async (target, fate) => {
    expect(await play.fateOf(target)).toEqual(fate);
  });

  it.each<[string, Fate]>([
    ['/api/inner', ['inner', '/api/inner']],
    ['/api/inner/x', ['inner', '/api/inner/x']],
    ['/api/innermost', ['api', '/api/innermost']],
    ['/api/late', ['api', '/api/late']],
  ])('wins when it is the first that fits: %s', async (target, fate) => {
    expect(await play.fateOf(target)).toEqual(fate);
  });

  it.each<[string, Fate]>([
    ['/strip', ['stripped', '/']],
    ['/strip/', ['stripped', '/']],
    ['/strip/x/y?z', ['stripped', '/x/y?z']],
    ['/strip?z', ['stripped', '/?z']],
    ['/strip/strip', ['stripped', '/strip']],
    ['/base', ['based', '/v1/base']],
    ['/base/x?z', ['based', '/v1/base/x?z']],
    ['/both', ['both', '/v1/']],
    ['/both/x?z', ['both', '/v1/x?z']],
  ])('takes its path off and the path of its upstream on, where so configured: %s', async (target, fate) => {
    expect(await play.fateOf(target)).toEqual(fate);
  });

  it.each([
    '?',
    '??',
    '?a=%20d&a=%20d',
    '?a+b&&=',
    '?/../../x//y/.',
    '?%2e%2e%2f%00%ff%zz%',
    '?"<>|^`{}[]',
    "?a'b(c);d,e@f:g$h!i*j~k",
    '?http://other.example/',
    '?a=1?b=2',
    '?a\\b',
    `?${'x'.repeat(4000)}`,
  ])('passes the query on byte for byte: %s', async (query) => {
    expect(await play.fateOf(`/api/x${query}`)).toEqual(['api', `/api/x${query}`]);
    expect(await play.fateOf(`/strip${query}`)).toEqual(['stripped', `/${query}`]);
  });

  it.each([
    "/api/a.b-c_d~e!f$g&h'i(j)k*l+m,n=o:p@q",
    '/api/%20/%41%c3%a9/%E2%82%AC',
    '/api/100%25',
    '/api/%3fx%23y',
    '/api/.well-known/...',
    '/api/.../..x/x..',
    '/api/a;b=c/d;e',
    '/api/%7e/%2d',
    '/api/%252541',
    '/api/"<>|^`{}',
  ])('passes the path on byte for byte: %s', async (target) => {
    expect(await play.fateOf(target)).toEqual(['api', target]);
  });
});

describe('a path that servers read differently', () => {
  let play: Play;
  beforeAll(async () => {
    play = await stageRoutes([
      { name: 'api', path: '/api' },
      { name: 'open', path: '/open', auth: 'none' },
      { name: 'stripped', path: '/strip', stripPath: true },
    ]);
  });

  it.each(confusing)('is refused with %s', async (suffix) => {
    for (const route of ['/api', '/open', '/strip'])
      for (const query of ['', '?x=/../y']) expect(await play.fateOf(route + suffix + query)).toBe(400);
  });

  it.each([
    '/x/../api',
    '/./api',
    '//api',
    '/%2e/api',
    '/open/../api',
    '/open/..%2fapi',
    '/open%2f..%2fapi',
    '/\\api',
    '/%2fapi',
    '/%61pi',
    '/ap%69/x',
    '/api%2fx',
    '/%2561pi',
    '/%252561pi',
    '/api%252fx',
    '/api;x',
    '/api;x=y/z',
    '/api%3bx/z',
    '/open%2fx',
    '/op%65n',
    '/open?\xe9',
    '/..',
    '/../',
    '/%',
    '//',
    '/.',
    '/%2e',
  ])('is refused before a route: %s', async (target) => {
    expect(await play.fateOf(target)).toBe(400);
  });
});
