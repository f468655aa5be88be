import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { runCli, runHere } from './gateway.js';

const good = `
listen: { host: 127.0.0.1, port: 3000 }
workers: 1
introspection:
  endpoint: https://login.example.com/oauth/v2/oauth-introspect
  clientAuth: { method: client_secret_basic, clientId: gateway, clientSecret: "\${CLIENT_SECRET}" }
  accept: application/jwt
  jwtMembers: [phantom_token, jwt]
  timeoutSeconds: 2
  allowInsecureRequests: false
  badRequestMeansInactive: false
  verify: { issuer: https://login.example.com, audience: api, jwksUri: https://login.example.com/jwks, algorithms: [RS256] }
cache:
  maxEntries: 10000
  maxTtlSeconds: 300
  earlyExpirySeconds: 10
  inactiveTtlSeconds: 5
  obeyCacheControl: true
  redis: { url: redis://127.0.0.1:6379, keyPrefix: "pt:" }
routes:
  - path: /api
    upstream: http://127.0.0.1:4000
    stripPath: false
    requiredScopes: [read]
    realm: api
    auth: required
forwardAuth: { path: /authorize }
admin: { host: 127.0.0.1, port: 9901 }
fastLane: true
log: { level: info }
`;

/** For all that is to be read from one. */
const someFile = fileURLToPath(import.meta.url);

/** All that `good` has not. */
const everything = `${good.replace(
  'forwardAuth:',
  `  - path: /partner
    upstream: http://127.0.0.1:4000
    issuer: partner
    acceptJwts: { issuer: https://partner.example.com, audience: api, jwksUri: https://partner.example.com/jwks, algorithms: [RS256], typ: [at+jwt] }
    claimHeaders: { X-User: sub }
forwardAuth:`,
)}issuers:
  partner:
    issuer: https://partner.example.com
    logout: { path: /logout, issuer: https://partner.example.com, audience: [gateway], jwksUri: https://partner.example.com/jwks, algorithms: [ES256], requireTyp: false, requireExp: false, wholeSubject: true }
    clientAuth: { method: private_key_jwt, clientId: gateway, keyFile: ${someFile}, algorithm: ES256, keyId: one, audience: a }
    tls: { caFile: ${someFile}, certFile: ${someFile}, keyFile: ${someFile} }
    accept: application/json
    mint: { issuer: https://gateway.example.com, keyFiles: [${someFile}], audience: api, algorithm: ES256, typ: at+jwt, requireTokenType: true }
  signed:
    endpoint: https://signed.example.com/introspect
    clientAuth: { method: bearer, clientId: gateway, tokenFile: ${someFile} }
    accept: application/token-introspection+jwt
    signedResponse: { issuer: https://signed.example.com, audience: gateway, jwksUri: https://signed.example.com/jwks, algorithms: [ES256], decryptionKeyFiles: [${someFile}], maxAgeSeconds: 30 }
dpop: { origin: [https://api.example.com], algorithms: [ES256], maxAgeSeconds: 60, clockSkewSeconds: 5, nonceSecret: "\${CLIENT_SECRET}" }
trustedProxies: [10.0.0.0/8]
proxyCertificate: { format: nginx, header: X-SSL-Client-Cert }
jwks: { path: /.well-known/jwks.json }
protectedResource: { resource: https://api.example.com, authorizationServers: [https://login.example.com], scopesSupported: [read], resourceName: API, resourceDocumentation: https://docs.example.com }
`;

const environment = { ...process.env, CLIENT_SECRET: 'canary-of-the-environment-with-its-length' };
const check = (text: string, env: NodeJS.ProcessEnv = environment) =>
  runHere(['--config', '-', '--check'], text, env);
const linesOf = (text: string) => text.trimEnd().split('\n');

describe('a configuration', () => {
  it('may use everything that there is', async () => {
    const valid = { code: 0, stdout: 'the configuration is valid\n', stderr: '' };
    expect(await check(everything)).toEqual(valid);
    expect(await runCli(['--config', '-', '--check'], everything, environment)).toEqual(valid);
  });

  it('may be little more than a server to ask and a path to answer on', async () => {
    const least = `
introspection:
  endpoint: http://127.0.0.1:8443/introspect
  clientAuth: { method: client_secret_post, clientId: gateway, clientSecret: secret }
forwardAuth: { path: /authorize }`;
    expect(await check(least)).toMatchObject({ code: 0, stderr: '' });
  });

  it('with ten mistakes is told of all ten, each with its path and line', async () => {
    const { code, stdout, stderr } = await check(`
listen: { port: 70000 }
workers: 0
introspection:
  endpoint: login.example.com
  clientAuth: { method: client_secret_jwt, clientId: gateway, keyId: key }
  timeoutSeconds: soon
cache:
  maxTtl: 300
routes:
  - path: api
    upstream: ftp://127.0.0.1
    requiredScopes: ["read write"]
`);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(linesOf(stderr).toSorted()).toEqual([
      'cache.maxTtl (line 9): is not an option; see gateway.schema.json for those there are',
      'introspection.clientAuth.clientSecret (line 6): is missing, or clientSecretFile',
      'introspection.clientAuth.keyId (line 6): does not go with client_secret_jwt',
      'introspection.endpoint (line 5): must be an absolute http: or https: URL, not "login.example.com"',
      'introspection.timeoutSeconds (line 7): must be a number of seconds, not "soon"',
      'listen.port (line 2): must be a port number, 0 to 65535, not 70000',
      'routes[0].path (line 11): must be a path that starts with a slash, such as /api, not "api"',
      'routes[0].requiredScopes[0] (line 13): must be a single scope: no spaces, quotes or backslashes, not "read write"',
      'routes[0].upstream (line 12): must be an absolute http: or https: URL, not "ftp://127.0.0.1"',
      'workers (line 3): must be 1 or more, not 0',
    ]);
  });

  it.each([
    ['no YAML', 'listen: [', /^the file \(line \d+\): /],
    ['not a mapping', '- a\n- b', /^the file/],
    ['empty', '', /introspection: is missing/],
    ['a key given twice', `${good}\nworkers: 2`, /line 3\d\): Map keys must be unique/],
    ['no endpoint and no issuer', good.replace(/ +endpoint.*/, ''), /introspection \(line \d\): must have/],
    [
      'nothing to do',
      good.replace(/routes:[\s\S]*forwardAuth.*/, ''),
      /at least one of routes and forwardAuth/,
    ],
    [
      'a server that is asked without TLS',
      good.replace('endpoint: https:', 'endpoint: http:'),
      /introspection\.endpoint \(line 5\): must be an https: URL/,
    ],
    ['a scope with a line end', good.replace('[read]', '["a\\nb"]'), /requiredScopes\[0]/],
    ['a realm with a quote', good.replace('realm: api', `realm: 'a"b'`), /routes\[0\]\.realm/],
    ['an upstream with a password', good.replace('//127.0.0.1:4000', '//u:canary@127.0.0.1'), /upstream/],
    ['an upstream with a query', good.replace(':4000', ':4000/?canary=1'), /upstream/],
    ['a network that is none', `${good}\ntrustedProxies: [10.0.0.0/33]`, /trustedProxies\[0]/],
    ['a number in quotes', good.replace('workers: 1', 'workers: "1"'), /workers \(line 3\): must be a whole/],
    ['a shared secret to verify with', good.replace('[RS256]', '[HS256]'), /algorithms\[0] .*asymmetric/],
    [
      'keys that are fetched without TLS',
      good.replace('jwksUri: https', 'jwksUri: http'),
      /introspection\.verify\.jwksUri .* must be an https: URL/,
    ],
    [
      'a way to authenticate that there is not',
      good.replace('client_secret_basic', 'none'),
      /clientAuth\.method \(line 6\): must be one of client_secret_basic, .*, not "none"/,
    ],
    [
      'a secret given twice',
      good.replace('clientSecret:', 'clientSecretFile: secret, clientSecret:'),
      /clientAuth\.clientSecretFile .*: does not go with clientSecret: one of the two/,
    ],
    [
      'no key to sign with',
      good.replace(/method: .*\}/, 'method: private_key_jwt, clientId: gateway }'),
      /clientAuth\.keyFile \(line 6\): is missing$/m,
    ],
    [
      'a certificate to authenticate with that is not there',
      good.replace(/method: .*\}/, 'method: tls_client_auth, clientId: gateway }'),
      /introspection\.tls .*: must have a certFile and a keyFile for tls_client_auth/,
    ],
    [
      'a certificate without its key',
      good.replace('  accept:', '  tls: { certFile: c.pem }\n  accept:'),
      /introspection\.tls .* together/,
    ],
    [
      'signed answers that nothing verifies',
      good.replace('accept: application/jwt', 'accept: application/token-introspection+jwt'),
      /introspection\.signedResponse .*: goes with accept/,
    ],
    [
      'keys of another issuer that are fetched without TLS',
      `${good}\nissuers: { other: { endpoint: "http://login.example.com" } }`,
      /issuers\.other\.endpoint .* must be an https: URL/,
    ],
    [
      'an issuer that there is not',
      good.replace('auth: required', 'issuer: other'),
      /routes\[0\]\.issuer .*: is not one of issuers, not "other"|routes\[0\]\.issuer .*: is not one of issuers/,
    ],
    [
      'accepted JWTs whose keys are fetched without TLS',
      good.replace('auth: required', 'acceptJwts: { issuer: i, jwksUri: "http://login.example.com" }'),
      /routes\[0\]\.acceptJwts\.jwksUri .* must be an https: URL/,
    ],
    [
      'a certificate from a proxy that nobody trusts',
      `${good}\nproxyCertificate: { format: envoy }`,
      /proxyCertificate .*: is believed from trustedProxies only/,
    ],
    [
      'proofs that several workers would each take once',
      good
        .replace('workers: 1', 'workers: 2\ndpop: { origin: "https://api.example.com" }')
        .replace(/ +redis:.*/, ''),
      /dpop .*: needs cache\.redis/,
    ],
    [
      'an origin with a path',
      `${good}\ndpop: { origin: "https://api.example.com/v1" }`,
      /dpop\.origin .*: must be an origin/,
    ],
    [
      'client certificates that nothing can verify',
      good.replace('port: 3000', 'port: 3000, tls: { certFile: c, keyFile: k, clientCertificates: require }'),
      /listen\.tls\.clientCaFile .*: goes with clientCertificates: require/,
    ],
    [
      'a shared cache in two places',
      good.replace('redis: {', 'redis: { cluster: [a:1],'),
      /cache\.redis .*: must have one of url, sentinels and cluster/,
    ],
    [
      'Sentinels without the name of what they watch',
      good.replace(/url: redis:[^,]*/, 'sentinels: [a:26379]'),
      /cache\.redis\.name .*: goes with sentinels/,
    ],
    [
      'a pepper that is too short',
      good.replace('keyPrefix:', 'pepper: { id: a, secret: short }, keyPrefix:'),
      /cache\.redis\.pepper\.secret .*32 characters or more/,
    ],
    [
      'a former pepper without the present one',
      good.replace('keyPrefix:', `formerPepper: { id: a, secret: ${'s'.repeat(32)} }, keyPrefix:`),
      /cache\.redis\.formerPepper .*: goes with pepper/,
    ],
    [
      'logouts of nobody',
      good.replace(
        '  accept:',
        '  logout: { path: /out, audience: a, jwksUri: https://login.example.com/jwks }\n  accept:',
      ),
      /introspection\.logout\.issuer .*: is missing/,
    ],
    [
      'a time that no timer takes',
      good.replace('timeoutSeconds: 2', 'timeoutSeconds: 2147484'),
      /2147483 or fewer seconds/,
    ],
    ['no time at all', good.replace('timeoutSeconds: 2', 'timeoutSeconds: 0'), /more than 0 seconds, not 0/],
  ])('is refused with exit code 2: %s', async (_title, text, message) => {
    const { code, stdout, stderr } = await check(text);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain('canary');
    expect(stderr).not.toContain('    at ');
  });

  it('is warned about a route that an earlier one hides', async () => {
    const text = good.replace('routes:', 'routes:\n  - { path: /, upstream: "http://a" }');
    expect(await check(text)).toEqual({
      code: 0,
      stdout: 'the configuration is valid\n',
      stderr: 'routes[1] (/api) is never reached, since routes[0] wins: put it before that\n',
    });
  });

  it('names each environment variable that is not set, and where', async () => {
    const text = good.replace('clientId: gateway', `clientId: '\${CLIENT_ID}'`);
    const { code, stderr } = await check(text, { PATH: process.env.PATH });
    expect(code).toBe(2);
    expect(linesOf(stderr)).toEqual([
      'introspection.clientAuth.clientId (line 6): the environment variable CLIENT_ID is not set',
      'introspection.clientAuth.clientSecret (line 6): the environment variable CLIENT_SECRET is not set',
    ]);
  });

  it('takes numbers from the environment, and never structure', async () => {
    const text = good
      .replace('workers: 1', `workers: \${WORKERS}`)
      .replace('realm: api', `realm: "\${REALM}"`);
    const env = { ...environment, WORKERS: '3', REALM: 'api, auth: none' };
    expect(await check(text, env)).toMatchObject({ code: 0 });
    expect(await check(text, { ...env, WORKERS: 'three' })).toMatchObject({
      code: 2,
      stderr: 'workers (line 3): must be a whole number, 1 or more, not "three"\n',
    });
  });
});

describe('the command', () => {
  it.each([
    [['--confg', 'x'], /--confg/],
    [[], /--config is missing/],
    [['--config', '/does/not/exist.yaml'], /cannot be read: ENOENT/],
    [['--config', 'x', 'y'], /y/],
  ])('says how it is used: %j', async (args, message) => {
    for (const run of [runHere, runCli]) {
      const { code, stdout, stderr } = await run(args);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(message);
    }
  });

  it('says its version', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
    expect(await runCli(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('ends with 1 when the port is taken', async () => {
    const { createServer } = await import('node:net');
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as import('node:net').AddressInfo;
    const { code, stderr } = await runCli(
      ['--config', '-'],
      good
        .replace('3000', String(port))
        .replace(/ +redis:.*/, '')
        .replace(/admin:.*/, ''),
      environment,
    );
    taken.close();
    expect(code).toBe(1);
    expect(stderr).toContain('EADDRINUSE');
  });
});

describe('the published schema', () => {
  const schema = JSON.parse(readFileSync(new URL('../dist/gateway.schema.json', import.meta.url), 'utf8'));
  const validate = new Ajv2020().compile(schema);

  it('accepts what the gateway accepts', () => {
    expect(validate(parse(good)), JSON.stringify(validate.errors)).toBe(true);
  });

  it.each([
    ['an unknown key', { workerz: 1 }],
    ['a wrong type', { workers: 'one' }],
    ['a wrong choice', { log: { level: 'loud' } }],
  ])('refuses %s', (_title, change) => {
    expect(validate({ ...parse(good), ...change })).toBe(false);
  });
});
