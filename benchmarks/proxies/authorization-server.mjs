import { createServer } from 'node:http';
import { generateKeyPair, SignJWT } from 'jose';

export const token = '2YotnFZFEjr1zCsicMWpAA';
export const clientId = 'benchmark';
export const clientSecret = 'secret';
export const basic = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`;

const lifetimeSeconds = 3600;
const claims = {
  iss: 'https://login.example.com/oauth/v2/oauth-anonymous',
  aud: ['https://api.example.com'],
  sub: 'b2f9c1d43a7e4b0c9d5f',
  scope: 'openid profile read write',
  client_id: 'web',
  jti: '7c0e5f1a-3b1d-4f0e-9a55-0d6c2f8f3f10',
};

/** Knows one token, and answers with its JWT or its claims as the Accept field asks; counts how often it was asked. */
export async function startAuthorizationServer() {
  const { privateKey } = await generateKeyPair('RS256');
  const iat = Math.floor(Date.now() / 1000);
  const exp = iat + lifetimeSeconds;
  const jwt = await new SignJWT({ ...claims, iat, exp })
    .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid: '1' })
    .sign(privateKey);
  const issued = { jwt, asked: 0 };

  const answer = (request, form) => {
    if (request.method !== 'POST' || request.headers.authorization !== basic) return [401];
    const active = new URLSearchParams(form).get('token') === token;
    if (!request.headers.accept?.includes('application/jwt')) {
      const body = active ? { active, ...claims, iat, exp, token_type: 'Bearer' } : { active };
      return [200, 'application/json', JSON.stringify(body)];
    }
    return active ? [200, 'application/jwt', jwt] : [204];
  };

  const server = createServer(async (request, response) => {
    issued.asked++;
    let form = '';
    for await (const chunk of request.setEncoding('latin1')) form += chunk;
    const [status, type, body] = answer(request, form);
    response.writeHead(status, {
      'Cache-Control': `max-age=${lifetimeSeconds}`,
      ...(type && { 'Content-Type': type }),
    });
    response.end(body);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  issued.endpoint = `http://127.0.0.1:${server.address().port}/introspect`;
  return issued;
}
