import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface PlainAuthority {
  readonly endpoint: string;
  readonly revoked: Set<string>;
}

const segment = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** An authorization server to which every token is active until it is revoked. Its JWTs are not signed: nobody looks. */
export async function startPlainAuthority(): Promise<PlainAuthority> {
  const revoked = new Set<string>();
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const token = new URLSearchParams(body).get('token') ?? '';
    const claims = { sub: `owner of ${token}`, exp };
    const jwt = `${segment({ alg: 'RS256', typ: 'at+jwt' })}.${segment(claims)}.c2lnbmF0dXJl`;
    const answer = revoked.has(token) ? { active: false } : { active: true, ...claims, jwt };
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify(answer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/introspect`, revoked };
}
