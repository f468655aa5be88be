import { clients } from './authorization-server.js';

// the client application: it gets tokens, presents them, and never sees a JWT

const basic = `Basic ${btoa(`${clients.app.id}:${clients.app.secret}`)}`;

async function post(url: string, form: Record<string, string>): Promise<Response> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { Authorization: basic },
    body: new URLSearchParams(form),
  });
  if (!response.ok) throw new Error(`POST ${new URL(url).pathname} was answered with ${response.status}`);
  return response;
}

async function readToken(response: Response): Promise<string> {
  const { access_token } = (await response.json()) as { access_token: string };
  return access_token;
}

/** A token for the application itself (RFC 6749 §4.4). */
export async function getToken(server: string, scope: string): Promise<string> {
  return readToken(await post(`${server}/oauth/v2/oauth-token`, { grant_type: 'client_credentials', scope }));
}

/** A token for a user, by authorization code with PKCE (RFC 6749 §4.1, RFC 7636); the user's browser is played here. */
export async function getUserToken(server: string, scope: string): Promise<string> {
  const verifier = crypto.randomUUID() + crypto.randomUUID();
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
  const start = new URL(`${server}/oauth/v2/oauth-authorize`);
  start.search = new URLSearchParams({
    client_id: clients.app.id,
    response_type: 'code',
    redirect_uri: clients.app.redirectUri,
    scope,
    code_challenge: Buffer.from(digest).toString('base64url'),
    code_challenge_method: 'S256',
  }).toString();
  const code = await browse(start);
  const grant = {
    grant_type: 'authorization_code',
    code,
    redirect_uri: clients.app.redirectUri,
    code_verifier: verifier,
  };
  return readToken(await post(`${server}/oauth/v2/oauth-token`, grant));
}

/** Follows redirects with cookies, as a browser does, until one leads back to the application with a code. */
async function browse(start: URL): Promise<string> {
  const cookies = new Map<string, string>();
  let url = start;
  for (let redirects = 0; redirects < 10; redirects++) {
    const cookie = [...cookies].map((pair) => pair.join('=')).join('; ');
    const response = await fetch(url, { headers: { Cookie: cookie }, redirect: 'manual' });
    for (const field of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(field) ?? [];
      cookies.set(name, value);
    }
    const location = response.headers.get('Location');
    if (location === null) throw new Error(`GET ${url.pathname} was answered with ${response.status}`);
    url = new URL(location, url);
    const code = url.searchParams.get('code');
    if (url.href.startsWith(clients.app.redirectUri) && code !== null) return code;
  }
  throw new Error('the login went round in circles');
}

/** Tells the authorization server to forget a token (RFC 7009). */
export async function revoke(server: string, token: string): Promise<void> {
  await post(`${server}/oauth/v2/oauth-revoke`, { token });
}
