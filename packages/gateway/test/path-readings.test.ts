import { describe, expect, it } from 'vitest';
import { isBelow } from '../src/request-path.js';
import { stageRoutes } from './route-play.js';

describe('the path that an upstream sees', () => {
  const routes = [
    { name: 'admin', path: '/api/admin' },
    { name: 'api', path: '/api' },
    { name: 'a', path: '/a' },
    { name: 'rest', path: '/', auth: 'none' },
  ];
  const nameOf = (path: string) => routes.find((route) => isBelow(path, route.path))?.name;

  it('lies below the route that was decided on, however often it is decoded and however it is tidied up', async () => {
    const play = await stageRoutes(routes);
    const random = createRandom(20_270_115);
    const pieces = [
      '/',
      '/',
      '/',
      '/',
      '%2f',
      '%252F',
      '\\',
      '%5c',
      '.',
      '..',
      '%2e',
      '%252e',
      ';',
      ';x=y',
      '%3b',
      '%253b',
      'api',
      '%61pi',
      'ap%2569',
      'admin',
      'adm%69n',
      'a',
      '%61',
      'x',
      '%25',
      '%',
      '%00',
      '%c0%ae',
      '+',
      '~',
    ];
    let reached = 0;
    for (let count = 0; count < 2500; count++) {
      const length = 1 + Math.floor(random() * 8);
      const target = `/${Array.from({ length }, () => pieces[Math.floor(random() * pieces.length)]).join('')}`;
      const fate = await play.fateOf(target);
      if (typeof fate === 'number') {
        expect(fate, target).toBe(400);
        continue;
      }
      reached++;
      expect(fate[1]).toBe(target);
      for (const reading of readings(target))
        expect(nameOf(reading), `${target} as ${reading}`).toBe(fate[0]);
    }
    // the test would say nothing if all were refused
    expect(reached).toBeGreaterThan(300);
  });
});

/** What servers may take a path for: decoded up to three times, without parameters or with them, without dots and gaps. */
function readings(path: string): Set<string> {
  const found = new Set<string>();
  let decoded = path;
  for (let round = 0; round < 4; round++) {
    for (const text of [decoded, decoded.replace(/;[^/]*/g, '')]) {
      found.add(text);
      found.add(tidy(text));
    }
    decoded = decoded.replace(/%([\da-f]{2})/gi, (_, digits) =>
      String.fromCharCode(Number.parseInt(digits, 16)),
    );
  }
  return found;
}

function tidy(path: string): string {
  const kept: string[] = [];
  for (const segment of path.replaceAll('\\', '/').split('/'))
    if (segment === '..') kept.pop();
    else if (segment !== '.' && segment !== '') kept.push(segment);
  return `/${kept.join('/')}`;
}

/** The same numbers in every run (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
