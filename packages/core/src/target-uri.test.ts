import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createIsTarget, readOrigins } from './target-uri.js';

const isTarget = createIsTarget(['https://api.example.com']);
const api = (rest: string) => `https://api.example.com${rest}`;

describe('the comparison of htu with the URI of a request', () => {
  it.each([
    [api('/orders'), '/orders'],
    [api('/orders'), '/orders?page=2'],
    [api('/orders'), '/orders#part'],
    [api('/orders?a=b'), '/orders'],
    [api('/orders?a=b'), '/orders?c=d'],
    [api('/orders#part'), '/orders'],
    [api('/orders?a=/../..'), '/orders'],
    [api('/orders'), 'http://127.0.0.1:3000/orders?page=2'],
    [api('/orders'), 'http://evil.example/orders'],
    [api('/orders'), 'https://evil.example:8443/orders'],
    [api(''), '/'],
    [api('/'), 'http://127.0.0.1:3000'],
    [api('?a=b'), '/'],
    ['HTTPS://API.Example.COM/orders', '/orders'],
    [api(':443/orders'), '/orders'],
    [api('/%7Euser'), '/~user'],
    [api('/%7euser'), '/~user'],
    [api('/~user'), '/%7euser'],
    [api('/%41%2d%5F%2E'), '/A-_.'],
    [api('/a%2fb'), '/a%2Fb'],
    [api('/caf%c3%a9'), '/caf%C3%A9'],
    [api('/a/./b'), '/a/b'],
    [api('/a/../b'), '/b'],
    [api('/b'), '/a/%2e%2e/b'],
    [api('//orders'), '//orders'],
    [api("/a:b@c!$&'()*+,;=d"), "/a:b@c!$&'()*+,;=d"],
    [api('/a|b'), '/a|b'],
    [api('/100%'), '/100%'],
  ])('finds %s in a request for %s', (htu, url) => expect(isTarget(htu, url)).toBe(true));

  it.each([
    [api('/orders'), '/Orders'],
    [api('/orders'), '/orders/'],
    [api('/orders/'), '/orders'],
    [api('/orders'), '/order'],
    [api('/orders'), '/'],
    [api('/orders'), '//orders'],
    [api('/orders'), '/api/orders'],
    [api('/a%2Fb'), '/a/b'],
    [api('/a%252Fb'), '/a%2Fb'],
    [api('/a%3Fb'), '/a?b'],
    [api('/a%23b'), '/a#b'],
    [api('/a+b'), '/a%20b'],
    [api('/a%3Bb'), '/a;b'],
    ['http://api.example.com/orders', '/orders'],
    ['https://api.example.com:8443/orders', '/orders'],
    ['https://api.example.com:80/orders', '/orders'],
    ['https://example.com/orders', '/orders'],
    ['https://api.example.com.evil.example/orders', '/orders'],
    ['https://api.example.com@evil.example/orders', '/orders'],
    ['https://user@api.example.com/orders', '/orders'],
    ['https://@api.example.com/orders', '/orders'],
    ['https://127.0.0.1:3000/orders', 'https://127.0.0.1:3000/orders'],
    ['http://evil.example/orders', 'http://evil.example/orders'],
    ['wss://api.example.com/orders', '/orders'],
  ])('does not find %s in a request for %s', (htu, url) => expect(isTarget(htu, url)).toBe(false));

  it.each([
    '',
    '/orders',
    '//api.example.com/orders',
    'api.example.com/orders',
    'https:/orders',
    'https:api.example.com/orders',
    'https:///api.example.com/orders',
    'https://',
    'https://api.example.com\\orders',
    'https:\\\\api.example.com/orders',
    ' https://api.example.com/orders',
    'https://api.example.com/orders ',
    'https://api.example.com/or ders',
    'https://api.example.com/or\tders',
    'https://api.example.com/orders\n',
    'https://api.example.com/ördern',
    'https://api.example.com:99999/orders',
    'https://[api.example.com]/orders',
    'urn:example:orders',
  ])('takes %j for no URL', (htu) => expect(isTarget(htu, '/orders')).toBe(false));

  it.each(['*', '', 'orders', 'api.example.com:443', 'urn:x', 'https://api.example.com@evil.example/orders'])(
    'finds nothing in a request for %j',
    (url) => {
      expect(isTarget(api(url), url)).toBe(false);
      expect(isTarget(url, url)).toBe(false);
      expect(isTarget(api('/'), url)).toBe(false);
      expect(isTarget(api(''), url)).toBe(false);
    },
  );

  it('takes a backslash in the path of a request for itself', () =>
    expect(isTarget(api('/a/b'), '/a\\b')).toBe(false));

  it('accepts what a client finds in its own URL, whatever its path', () => {
    fc.assert(
      fc.property(fc.webPath(), fc.webQueryParameters(), (path, query) => {
        const url = new URL(`https://api.example.com${path}?${query}`);
        expect(isTarget(url.origin + url.pathname, url.pathname + url.search)).toBe(true);
      }),
    );
  });

  it('tells apart what no normalisation makes equal', () => {
    const segments = fc.array(fc.stringMatching(/^[a-z]{1,3}(?:%2F[a-z])?$/), { maxLength: 4 });
    fc.assert(
      fc.property(segments, segments, (one, other) => {
        const [path, otherPath] = [`/${one.join('/')}`, `/${other.join('/')}`];
        expect(isTarget(api(path), otherPath)).toBe(path === otherPath);
      }),
    );
  });

  it('takes any of several origins, and no mixture', () => {
    const isEither = createIsTarget(
      readOrigins(['https://api.example.com', new URL('http://localhost:8080/')]),
    );
    expect(isEither(api('/a'), '/a')).toBe(true);
    expect(isEither('http://localhost:8080/a', '/a')).toBe(true);
    expect(isEither('HTTP://LOCALHOST:8080/%61', '/a')).toBe(true);
    expect(isEither('http://api.example.com/a', '/a')).toBe(false);
    expect(isEither('https://localhost:8080/a', '/a')).toBe(false);
  });
});

describe('an origin', () => {
  it.each([
    ['https://api.example.com', 'https://api.example.com'],
    ['https://api.example.com/', 'https://api.example.com'],
    ['HTTPS://API.example.com:443', 'https://api.example.com'],
    ['http://localhost:3000', 'http://localhost:3000'],
  ])('may be written %s', (written, origin) => expect(readOrigins(written)).toEqual([origin]));

  it.each([
    undefined,
    '',
    7,
    [],
    [''],
    'api.example.com',
    '/',
    'https://',
    'https://api.example.com/v1',
    'https://api.example.com?a',
    'https://api.example.com/#',
    'https://user@api.example.com',
    'https://api.example.com:port',
    'ftp://api.example.com',
    new URL('https://api.example.com/v1'),
    ['https://api.example.com', 'other'],
  ])('is not %j', (value) => {
    expect(() => readOrigins(value as string)).toThrow(TypeError);
    expect(() => readOrigins(value as string)).toThrow('origin');
  });
});
