import { createServer } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import Provider, { type Configuration, type KoaContextWithOIDC } from 'oidc-provider';
import { type Listening, listen } from './listening.js';

const audience = 'https://api.demo';

/** Ways to break it on purpose, so that the story can be seen to notice. */
export interface ServerFaults {
  readonly takesGarbage?: boolean;
  readonly forbidsCaching?: boolean;
  readonly ignoresRevocation?: boolean;
  readonly refusesLogin?: boolean;
}

export interface AuthorizationServer extends Listening {
  readonly issuer: string;
  /** What its JWTs are checked for; Curity's depend on how it is set up. */
  readonly jwt: { readonly audience?: string; readonly typ: readonly string[] };
  /** How many introspections it has answered. */
  introspections(): number;
}

const paths = {
  authorization: '/oauth/v2/oauth-authorize',
  token: '/oauth/v2/oauth-token',
  introspection: '/oauth/v2/oauth-introspect',
  revocation: '/oauth/v2/oauth-revoke',
  jwks: '/oauth/v2/oauth-anonymous/jwks',
};

export const clients = {
  app: { id: 'app', secret: 'app-secret', redirectUri: 'https://app.demo/callback' },
  gateway: { id: 'gateway', secret: 'gateway-secret' },
};

/** oidc-provider with opaque access tokens, which answers introspection the way the Curity Identity Server does. */
export async function startAuthorizationServer(faults: ServerFaults = {}): Promise<AuthorizationServer> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const key = { ...(await exportJWK(privateKey)), kid: 'demo', alg: 'RS256', use: 'sig' };
  let introspections = 0;

  // the issuer holds the port, which is known only once somebody listens
  let handle: ReturnType<Provider['callback']> | undefined;
  const listening = await listen(createServer((request, response) => handle?.(request, response)));
  const issuer = listening.url;
  const provider = new Provider(issuer, createConfiguration(key));

  const sign = ({ active: _active, token_type: _type, ...claims }: Record<string, unknown>) =>
    new SignJWT({ sub: String(claims.client_id), ...claims, iss: issuer, aud: audience })
      .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid: 'demo' })
      .sign(privateKey);

  async function answerLikeCurity(ctx: KoaContextWithOIDC) {
    introspections++;
    const answer = ctx.body as Record<string, unknown>;
    const claims =
      faults.takesGarbage && !answer.active
        ? { scope: 'read', exp: Date.now() / 1000 + 60, sub: 'x' }
        : answer;
    const isActive = claims !== answer || answer.active === true;
    ctx.set('Cache-Control', faults.forbidsCaching ? 'no-store' : 'max-age=300');
    if (ctx.get('Accept') !== 'application/jwt') {
      if (isActive) ctx.body = { ...answer, phantom_token: await sign(claims) };
    } else if (isActive) {
      ctx.body = await sign(claims);
      ctx.type = 'application/jwt';
    } else {
      ctx.body = null;
      ctx.status = 204;
    }
  }

  provider.use(async (ctx, next) => {
    if (ctx.path === paths.revocation && faults.ignoresRevocation) {
      ctx.status = 200;
    } else if (ctx.path.startsWith('/login/')) {
      if (faults.refusesLogin) ctx.throw(403);
      // the demo's only user is always at the keyboard, and agrees
      await provider.interactionFinished(ctx.req, ctx.res, { login: { accountId: 'alice' } });
      ctx.respond = false;
    } else {
      await next();
      if (ctx.path === paths.introspection && ctx.status === 200)
        await answerLikeCurity(ctx as KoaContextWithOIDC);
    }
  });
  handle = provider.callback();
  return { ...listening, issuer, jwt: { audience, typ: ['at+jwt'] }, introspections: () => introspections };
}

function createConfiguration(key: object): Configuration {
  const { app, gateway } = clients;
  const seconds = (count: number) => () => count;
  return {
    clients: [
      {
        client_id: app.id,
        client_secret: app.secret,
        redirect_uris: [app.redirectUri],
        grant_types: ['client_credentials', 'authorization_code'],
        scope: 'openid read write',
      },
      {
        client_id: gateway.id,
        client_secret: gateway.secret,
        redirect_uris: [],
        response_types: [],
        grant_types: [],
      },
    ],
    routes: paths,
    scopes: ['openid', 'read', 'write'],
    jwks: { keys: [key] },
    cookies: { keys: [crypto.randomUUID()] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      revocation: { enabled: true, allowedPolicy: () => true },
      introspection: { enabled: true, allowedPolicy: (_ctx, client) => client.clientId === gateway.id },
    },
    interactions: { url: (_ctx, { uid }) => `/login/${uid}` },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
    async loadExistingGrant({ oidc }) {
      const { client, session, provider, params } = oidc;
      const grant = new provider.Grant({ clientId: client?.clientId, accountId: session?.accountId });
      grant.addOIDCScope(String(params?.scope ?? ''));
      await grant.save();
      return grant;
    },
    ttl: {
      AccessToken: seconds(600),
      ClientCredentials: seconds(600),
      AuthorizationCode: seconds(60),
      Grant: seconds(600),
      IdToken: seconds(600),
      Interaction: seconds(600),
      Session: seconds(600),
    },
  };
}
