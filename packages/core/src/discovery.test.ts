import { describe, expect, it } from 'vitest';
import {
  type Answer,
  jsonAnswer,
  patientSeconds,
  startServer,
  statusAnswer,
} from '../test/authorization-server.js';
import { createPhantomTokenClient } from './client.js';
import { clientSecretBasic } from './client-auth.js';
import { discover } from './discovery.js';

const error = (code: string, message = '') =>
  expect.objectContaining({ name: 'IntrospectionError', code, message: expect.stringContaining(message) });

const patiently = (issuer: string) => discover(issuer, { timeoutSeconds: patientSeconds });

/** An issuer below a path, whose metadata lies at one of the two places. */
async function startIssuer(place: RegExp, metadata: (origin: string) => object) {
  const server = await startServer(statusAnswer(404));
  const answer: Answer = (response, call) =>
    place.test(call.url ?? '')
      ? jsonAnswer(metadata(server.origin))(response, call)
      : statusAnswer(404)(response, call);
  server.answer = answer;
  return { server, issuer: `${server.origin}/tenant` };
}

const complete = (origin: string) => ({
  issuer: `${origin}/tenant`,
  introspection_endpoint: `${origin}/introspect`,
  jwks_uri: `${origin}/jwks`,
});

describe('discover', () => {
  it('reads OpenID Connect Discovery', async () => {
    const { server, issuer } = await startIssuer(/^\/tenant\/\.well-known\/openid-configuration$/, complete);
    expect(await patiently(issuer)).toEqual({
      issuer,
      introspectionEndpoint: server.endpoint,
      jwksUri: `${server.origin}/jwks`,
    });
  });

  it('reads RFC 8414 where there is none', async () => {
    const { server, issuer } = await startIssuer(
      /^\/\.well-known\/oauth-authorization-server\/tenant$/,
      complete,
    );
    expect((await patiently(issuer)).introspectionEndpoint).toBe(server.endpoint);
    expect(server.calls).toHaveLength(2);
  });

  it.each<[string, (origin: string) => Answer]>([
    [
      'knows no introspection',
      (origin) => jsonAnswer({ issuer: `${origin}/tenant`, jwks_uri: `${origin}/jwks` }),
    ],
    ['is forbidden', () => statusAnswer(403)],
    ['fails', () => statusAnswer(500)],
    ['is elsewhere', () => statusAnswer(302, { Location: '/' })],
  ])('reads RFC 8414 where OpenID Connect Discovery %s', async (_what, openId) => {
    const { server, issuer } = await startIssuer(/./, complete);
    const oauth = server.answer;
    server.answer = (response, call) =>
      (call.url?.includes('openid') ? openId(server.origin) : oauth)(response, call);
    expect(await patiently(issuer)).toEqual({
      issuer,
      introspectionEndpoint: server.endpoint,
      jwksUri: `${server.origin}/jwks`,
    });
  });

  it('keeps the keys of OpenID Connect Discovery where RFC 8414 names none', async () => {
    const { server, issuer } = await startIssuer(/./, (origin) => ({ issuer: `${origin}/tenant` }));
    server.answer = (response, call) =>
      jsonAnswer({
        issuer,
        ...(call.url?.includes('openid')
          ? { jwks_uri: `${server.origin}/jwks` }
          : { introspection_endpoint: server.endpoint }),
      })(response, call);
    expect(await patiently(issuer)).toMatchObject({ jwksUri: `${server.origin}/jwks` });
  });

  it('fits into the options of a client', async () => {
    const { issuer } = await startIssuer(/./, complete);
    const options = { ...(await patiently(issuer)), clientAuth: clientSecretBasic('g', 's') };
    expect(() => createPhantomTokenClient(options)).not.toThrow();
  });

  it('says what is missing', async () => {
    const nowhere = await startIssuer(/^$/, complete);
    await expect(patiently(nowhere.issuer)).rejects.toThrow(error('ERR_DISCOVERY', 'no metadata'));
    const without = await startIssuer(/./, (origin) => ({ issuer: `${origin}/tenant` }));
    await expect(patiently(without.issuer)).rejects.toThrow(
      error('ERR_DISCOVERY', 'no introspection_endpoint'),
    );
    const alone = await startIssuer(/openid/, (origin) => ({ issuer: `${origin}/tenant` }));
    await expect(patiently(alone.issuer)).rejects.toThrow(
      error('ERR_DISCOVERY', 'no introspection_endpoint'),
    );
  });

  it('refuses the metadata of another issuer', async () => {
    const { issuer } = await startIssuer(/./, (origin) => ({
      ...complete(origin),
      issuer: 'https://evil.test',
    }));
    await expect(patiently(issuer)).rejects.toThrow(error('ERR_DISCOVERY'));
  });

  it.each<[string, Answer]>([
    ['HTML', (response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end('<html>')],
    ['no media type', (response) => response.writeHead(200).end('{}')],
    ['a list', jsonAnswer([])],
    ['status 500', statusAnswer(500)],
  ])('refuses %s', async (_title, answer) => {
    const server = await startServer(answer);
    await expect(patiently(server.origin)).rejects.toThrow(error('ERR_DISCOVERY'));
  });

  it('follows no redirect', async () => {
    const server = await startServer(statusAnswer(302, { Location: 'http://127.0.0.1:1/' }));
    await expect(patiently(server.origin)).rejects.toThrow(error('ERR_DISCOVERY'));
    expect(server.calls.map(({ url }) => url)).toEqual([
      '/.well-known/openid-configuration',
      '/.well-known/oauth-authorization-server',
    ]);
  });

  it('is bounded in size and time', async () => {
    const large = await startServer((response) => response.writeHead(200).end('x'.repeat(300_000)));
    await expect(patiently(large.origin)).rejects.toThrow(error('ERR_TOO_LARGE'));
    const silent = await startServer(() => {});
    await expect(discover(silent.origin, { timeoutSeconds: 0.05 })).rejects.toThrow(error('ERR_TIMEOUT'));
  });

  it('uses a given fetch', async () => {
    const response = () =>
      Response.json({ issuer: 'https://as.test', introspection_endpoint: 'https://as.test/i' });
    expect(await discover('https://as.test', { fetch: async () => response() })).toEqual({
      issuer: 'https://as.test',
      introspectionEndpoint: 'https://as.test/i',
      jwksUri: undefined,
    });
  });

  it.each<[string, string, object]>([
    ['issuer', 'login.example.com', {}],
    ['issuer', 'http://login.example.com', {}],
    ['timeoutSeconds', 'https://login.example.com', { timeoutSeconds: 0 }],
    ['timeoutSeconds', 'https://login.example.com', { timeoutSeconds: 2_147_484 }],
    ['fetch', 'https://login.example.com', { fetch: null }],
    ['timeout', 'https://login.example.com', { timeout: 1 }],
  ])('refuses a wrong %s', async (name, issuer, options) => {
    const outcome = await discover(issuer, options).catch((it) => it);
    expect(outcome).toBeInstanceOf(TypeError);
    expect(outcome.message).toContain(name);
  });
});
