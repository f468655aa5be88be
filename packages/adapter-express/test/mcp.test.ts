import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  canaries,
  json,
  jwt,
  noContent,
  patientSeconds,
  startScriptedServer,
} from '@phantom-token/conformance';
import type * as core from '@phantom-token/core';
import { expect, it, onTestFinished, vi } from 'vitest';
import { createMcpServer } from './mcp-server.js';

// the server as the guide has it, with more patience than people want
vi.mock('@phantom-token/core', async (importOriginal) => {
  const original = await importOriginal<typeof core>();
  return {
    ...original,
    discover: (issuer: string) => original.discover(issuer, { timeoutSeconds: patientSeconds }),
    createPhantomTokenClient: (options: core.PhantomTokenClientOptions) =>
      original.createPhantomTokenClient({ ...options, timeoutSeconds: patientSeconds }),
  };
});

/** An authorization server that publishes what an MCP client looks for, and an MCP server that relies on it. */
async function setUp() {
  const authorizationServer = await startScriptedServer();
  onTestFinished(() => authorizationServer.close());
  const issuer = authorizationServer.origin;
  const metadata = json({
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    introspection_endpoint: authorizationServer.endpoint,
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
  });
  authorizationServer.answerAt('/.well-known/oauth-authorization-server', metadata);

  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => server.closeAllConnections() ?? void server.close());
  const resource = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
  const options = { resource, issuer, clientId: 'mcp', clientSecret: canaries.secret };
  server.on('request', await createMcpServer(options));

  const claims = {
    sub: canaries.subject,
    iss: issuer,
    aud: resource,
    scope: 'mcp:tools',
    exp: Math.floor(Date.now() / 1000) + 3600,
  };
  const send = (message: unknown, headers: Readonly<Record<string, string>> = {}) =>
    fetch(resource, {
      method: 'POST',
      headers: {
        Accept: 'application/json, text/event-stream',
        'Content-Type': 'application/json',
        ...headers,
      },
      body: JSON.stringify(message),
    });
  const request = (method: string, params = {}) => ({ jsonrpc: '2.0', id: 1, method, params });
  const authorization = { Authorization: `Bearer ${canaries.token}` };
  return { authorizationServer, issuer, resource, claims, send, request, authorization };
}

it('leads a client from its first refusal to the authorization server, and answers it with a token from there', async () => {
  const { authorizationServer, issuer, resource, claims, send, request, authorization } = await setUp();

  const refusal = await send(request('initialize', { protocolVersion: '2025-11-25' }));
  expect(refusal.status).toBe(401);
  const challenge = refusal.headers.get('WWW-Authenticate') ?? '';
  expect(challenge).toContain('scope="mcp:tools"');
  const [, metadataUrl = ''] = /resource_metadata="([^"]+)"/.exec(challenge) ?? [];

  const metadata = await (await fetch(metadataUrl)).json();
  // RFC 9728 §3.3: what is not about the very URL that was asked must not be used
  expect(metadata.resource).toBe(resource);
  expect(metadata.scopes_supported).toEqual(['mcp:tools']);
  expect(metadata.authorization_servers).toEqual([issuer]);

  const wellKnown = new URL('/.well-known/oauth-authorization-server', metadata.authorization_servers[0]);
  const server = await (await fetch(wellKnown)).json();
  expect(server).toMatchObject({ issuer, code_challenge_methods_supported: ['S256'] });
  expect(server.token_endpoint).toBe(`${issuer}/token`);

  // what the token endpoint gives for `resource`
  authorizationServer.answer(jwt(claims));
  const initialized = await send(request('initialize', { protocolVersion: '2025-11-25' }), authorization);
  expect(await initialized.json()).toMatchObject({
    id: 1,
    result: { protocolVersion: '2025-11-25', capabilities: { tools: {} } },
  });
  const session = { ...authorization, 'MCP-Protocol-Version': '2025-11-25' };
  const notified = await send({ jsonrpc: '2.0', method: 'notifications/initialized' }, session);
  expect([notified.status, await notified.text()]).toEqual([202, '']);
  const listed = await (await send(request('tools/list'), session)).json();
  expect(listed.result.tools.map(({ name }: { name: string }) => name)).toEqual(['whoami']);
  const called = await (await send(request('tools/call', { name: 'whoami' }), session)).json();
  expect(called.result.content[0].text === canaries.subject).toBe(true);
  expect(authorizationServer.calls).toHaveLength(1);
});

it('lets a client in a browser look for the authorization server', async () => {
  const { resource, issuer } = await setUp();
  const url = resource.replace('/mcp', '/.well-known/oauth-protected-resource/mcp');
  const headers = {
    Origin: 'https://inspector.example',
    'Access-Control-Request-Method': 'GET',
    'Access-Control-Request-Headers': 'mcp-protocol-version',
  };
  const preflight = await fetch(url, { method: 'OPTIONS', headers });
  expect([preflight.status, preflight.headers.get('Access-Control-Allow-Headers')]).toEqual([204, '*']);
  const metadata = await fetch(url, { headers: { 'MCP-Protocol-Version': '2025-11-25' } });
  expect(metadata.headers.get('Access-Control-Allow-Origin')).toBe('*');
  expect((await metadata.json()).authorization_servers).toEqual([issuer]);
});

it.each<[what: string, claims: object | undefined, status: number, error: string]>([
  ['a token that was issued for another server', { aud: 'https://other.example/mcp' }, 401, 'invalid_token'],
  ['a token that was issued for nobody', { aud: undefined }, 401, 'invalid_token'],
  ['a token of another authorization server', { iss: 'https://other.example' }, 401, 'invalid_token'],
  ['an inactive token', undefined, 401, 'invalid_token'],
  ['a token without the scope', { scope: 'openid' }, 403, 'insufficient_scope'],
])('refuses %s, and names the metadata again', async (_what, more, status, error) => {
  const { authorizationServer, claims, send, request, authorization } = await setUp();
  authorizationServer.answer(more === undefined ? noContent() : jwt({ ...claims, ...more }));
  const refusal = await send(request('tools/list'), authorization);
  expect(refusal.status).toBe(status);
  const challenge = refusal.headers.get('WWW-Authenticate');
  expect(challenge).toContain(`error="${error}"`);
  expect(challenge).toContain('resource_metadata="');
});

it.each<[what: string, headers: Record<string, string>, message: unknown, status: number]>([
  ['403 to a page of another site', { Origin: 'https://evil.example' }, { method: 'ping' }, 403],
  [
    '400 to a version that it does not speak',
    { 'MCP-Protocol-Version': '2026-07-28' },
    { method: 'ping' },
    400,
  ],
  ['400 to what is no message', {}, { jsonrpc: '1.0' }, 400],
])('answers %s', async (_what, headers, message, status) => {
  const { authorizationServer, claims, send, request, authorization } = await setUp();
  authorizationServer.answer(jwt(claims));
  const response = await send(
    { ...request('ping'), ...(message as object) },
    { ...authorization, ...headers },
  );
  expect([response.status, await response.text()]).toEqual([status, '']);
});

it('takes no other method than POST', async () => {
  const { resource } = await setUp();
  const { status, headers } = await fetch(resource);
  expect([status, headers.get('Allow')]).toEqual([405, 'POST']);
});

it('answers a method that it does not know, and a tool that it does not have, with an error', async () => {
  const { authorizationServer, claims, send, request, authorization } = await setUp();
  authorizationServer.answer(jwt(claims));
  const unknown = await (await send(request('resources/list'), authorization)).json();
  expect(unknown.error.code).toBe(-32601);
  const missing = await (await send(request('tools/call', { name: 'other' }), authorization)).json();
  expect(missing.result.isError).toBe(true);
});
