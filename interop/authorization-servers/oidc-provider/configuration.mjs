// How oidc-provider is set up: one app that gets tokens of every kind, and one client per way to authenticate.
import { X509Certificate } from 'node:crypto';
import { generateKeyPair } from '../../key-pair.mjs';

const secret = 'a secret of 32 characters or more: +/%';
export const redirectUri = 'https://app.test/callback';
export const scopes = ['openid', 'offline_access', 'read', 'write'];

const jwkOf = (key, more) => ({ ...key.export({ format: 'jwk' }), ...more });
const derOf = (pem) => new X509Certificate(pem).raw.toString('base64');
const pem = (key) => key.export({ type: 'pkcs8', format: 'pem' });

/** Everything that is made anew for each server: `clients` is what the tests use, `metadata` what the server is told. */
export const makeClients = ({ selfSigned }) => {
  const signing = generateKeyPair('ec', { namedCurve: 'P-256' });
  const rsa = generateKeyPair('rsa', { modulusLength: 2048 });
  const ec = generateKeyPair('ec', { namedCurve: 'P-256' });
  // A client that only introspects needs no grant.
  const resourceServer = (clientId, metadata, { keyless = false, ...more } = {}) => ({
    metadata: {
      client_id: clientId,
      ...(!keyless && { client_secret: secret }),
      redirect_uris: [],
      response_types: [],
      grant_types: [],
      ...metadata,
    },
    client: { clientId, ...(!keyless && { clientSecret: secret }), ...more },
  });
  const app = (clientId, metadata) => ({
    metadata: {
      client_id: clientId,
      client_secret: secret,
      redirect_uris: [redirectUri],
      grant_types: ['client_credentials', 'authorization_code', 'refresh_token'],
      scope: scopes.join(' '),
      ...metadata,
    },
    client: { clientId, clientSecret: secret },
  });
  const encryptedFor = (clientId, { publicKey, privateKey }, alg, enc) =>
    resourceServer(
      clientId,
      {
        introspection_signed_response_alg: 'ES256',
        introspection_encrypted_response_alg: alg,
        introspection_encrypted_response_enc: enc,
        jwks: { keys: [jwkOf(publicKey, { kid: 'answers', use: 'enc', alg })] },
      },
      { decryptionKey: pem(privateKey) },
    );
  const selfSignedKey = new X509Certificate(selfSigned.cert).publicKey;

  const all = {
    app: app('app', {}),
    boundApp: app('bound-app', { tls_client_certificate_bound_access_tokens: true }),
    basic: resourceServer('gateway', {}),
    post: resourceServer('gateway-post', { token_endpoint_auth_method: 'client_secret_post' }),
    secretJwt: resourceServer('gateway-secret-jwt', { token_endpoint_auth_method: 'client_secret_jwt' }),
    privateKeyJwt: resourceServer(
      'gateway-private-key-jwt',
      {
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [jwkOf(signing.publicKey, { kid: 'assertion', use: 'sig', alg: 'ES256' })] },
      },
      { keyless: true, privateKey: pem(signing.privateKey) },
    ),
    tls: resourceServer(
      'gateway-tls',
      { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_san_dns: 'gateway.test' },
      { keyless: true },
    ),
    selfSignedTls: resourceServer(
      'gateway-self-signed',
      {
        token_endpoint_auth_method: 'self_signed_tls_client_auth',
        jwks: { keys: [jwkOf(selfSignedKey, { x5c: [derOf(selfSigned.cert)] })] },
      },
      { keyless: true },
    ),
    signedEs256: resourceServer('gateway-es256', { introspection_signed_response_alg: 'ES256' }),
    encryptedRsa: encryptedFor('gateway-encrypted-rsa', rsa, 'RSA-OAEP-256', 'A256GCM'),
    encryptedEc: encryptedFor('gateway-encrypted-ec', ec, 'ECDH-ES', 'A128CBC-HS256'),
  };
  return {
    clients: Object.fromEntries(Object.entries(all).map(([name, { client }]) => [name, client])),
    metadata: Object.values(all).map(({ metadata }) => metadata),
  };
};

/** `provider()` gives the Provider that this is the configuration of. */
export const createConfiguration = ({ metadata, provider }) => {
  const { privateKey: rsa } = generateKeyPair('rsa', { modulusLength: 2048 });
  const { privateKey: ec } = generateKeyPair('ec', { namedCurve: 'P-256' });
  const oneHour = () => 3600;
  const peer = ({ socket }) => socket.getPeerX509Certificate?.();
  return {
    clients: metadata,
    scopes,
    jwks: {
      keys: [
        jwkOf(rsa, { kid: 'rsa', use: 'sig', alg: 'RS256' }),
        jwkOf(ec, { kid: 'ec', use: 'sig', alg: 'ES256' }),
      ],
    },
    cookies: { keys: ['only for this run'] },
    clientAuthMethods: [
      ...['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt'],
      ...['tls_client_auth', 'self_signed_tls_client_auth'],
    ],
    enabledJWA: {
      clientAuthSigningAlgValues: ['HS256', 'RS256', 'PS256', 'ES256', 'EdDSA'],
      introspectionSigningAlgValues: ['RS256', 'PS256', 'ES256'],
      introspectionEncryptionAlgValues: ['RSA-OAEP', 'RSA-OAEP-256', 'ECDH-ES'],
      introspectionEncryptionEncValues: ['A128CBC-HS256', 'A256GCM'],
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      encryption: { enabled: true },
      introspection: {
        enabled: true,
        // Only resource servers may ask, and they may ask about any token.
        allowedPolicy: (_context, client) => client.clientId.startsWith('gateway'),
      },
      jwtIntrospection: { enabled: true },
      revocation: {
        enabled: true,
        allowedPolicy: (_context, client, token) => client.clientId === token.clientId,
      },
      dPoP: { enabled: true },
      mTLS: {
        enabled: true,
        certificateBoundAccessTokens: true,
        selfSignedTlsClientAuth: true,
        tlsClientAuth: true,
        getCertificate: (context) => peer(context),
        certificateAuthorized: ({ socket }) => socket.authorized,
        certificateSubjectMatches: (context, property, expected) =>
          property === 'tls_client_auth_san_dns' && peer(context).subjectAltName === `DNS:${expected}`,
      },
    },
    // The only user is always at the keyboard, and agrees.
    interactions: { url: (_context, { uid }) => `/login/${uid}` },
    findAccount: (_context, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
    issueRefreshToken: (_context, client) => client.grantTypeAllowed('refresh_token'),
    async loadExistingGrant({ oidc: { client, session, params } }) {
      const grant = new (provider().Grant)({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope(params.scope);
      await grant.save();
      return grant;
    },
    ttl: Object.fromEntries(
      [
        ...['AccessToken', 'ClientCredentials', 'RefreshToken', 'AuthorizationCode'],
        ...['Grant', 'IdToken', 'Interaction', 'Session'],
      ].map((name) => [name, oneHour]),
    ),
  };
};
