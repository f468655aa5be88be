import { judgeClaimHeaders } from './config-claim-headers.js';
import { type Finding, type Members, membersOf } from './config-finding.js';
import { judgePaths } from './config-paths.js';

type Path = readonly (string | number)[];

/** What each method of authentication takes. The first is needed: itself, or but for keys from a file. */
const takenBy: Readonly<Record<string, readonly string[]>> = {
  client_secret_basic: ['clientSecret', 'encoding'],
  client_secret_post: ['clientSecret'],
  client_secret_jwt: ['clientSecret', 'algorithm', 'audience'],
  private_key_jwt: ['keyFile', 'algorithm', 'keyId', 'audience'],
  tls_client_auth: [],
  bearer: ['token'],
};

/** The methods of `clientAuth.method`. */
export const clientAuthMethods = Object.keys(takenBy);

/** What the schema cannot say: which parts need each other, or exclude each other. Takes the file as it was written. */
export function findContradictions(file: unknown): readonly Finding[] {
  const config = membersOf(file);
  const issuers = membersOf(config.issuers);
  const routes = Array.isArray(config.routes) ? config.routes.map(membersOf) : [];
  return [
    ...judgeIntrospection(['introspection'], config.introspection),
    ...Object.entries(issuers).flatMap(([name, server]) => judgeIntrospection(['issuers', name], server)),
    ...routes.flatMap((route, index) => judgeGuard(['routes', index], route, issuers)),
    ...judgeGuard(['forwardAuth'], membersOf(config.forwardAuth), issuers),
    ...judgeWhole(config),
    ...judgePaths(config),
  ];
}

function judgeIntrospection(path: Path, value: unknown): Finding[] {
  if (value === undefined) return [];
  const server = membersOf(value);
  const { tls, verify, signedResponse, logout } = Object.fromEntries(
    Object.entries(server).map(([name, part]) => [name, membersOf(part)]),
  );
  const findings = judgeClientAuth([...path, 'clientAuth'], membersOf(server.clientAuth));
  if (server.endpoint === undefined && server.issuer === undefined)
    findings.push([path, 'must have an endpoint, or an issuer to discover it from']);
  const isSigned = server.accept === 'application/token-introspection+jwt';
  if (isSigned !== (server.signedResponse !== undefined))
    findings.push([
      [...path, 'signedResponse'],
      'goes with accept: application/token-introspection+jwt, and that with it',
    ]);
  if ((tls?.certFile === undefined) !== (tls?.keyFile === undefined))
    findings.push([[...path, 'tls'], 'must have certFile and keyFile together']);
  if (membersOf(server.clientAuth).method === 'tls_client_auth' && tls?.certFile === undefined)
    findings.push([[...path, 'tls'], 'must have a certFile and a keyFile for tls_client_auth']);
  if (server.logout !== undefined && logout?.issuer === undefined && server.issuer === undefined)
    findings.push([[...path, 'logout', 'issuer'], 'is missing, here or beside it']);
  if (server.allowInsecureRequests === true) return findings;
  const urls = [
    [['endpoint'], server.endpoint],
    [['issuer'], server.issuer],
    [['verify', 'jwksUri'], verify?.jwksUri],
    [['signedResponse', 'jwksUri'], signedResponse?.jwksUri],
    [['logout', 'jwksUri'], logout?.jwksUri],
  ] as const;
  for (const [name, url] of urls) if (isInsecure(url)) findings.push([[...path, ...name], insecure]);
  return findings;
}

function judgeClientAuth(path: Path, { method, clientId: _, ...given }: Members): Finding[] {
  const taken = Object.hasOwn(takenBy, String(method)) ? takenBy[String(method)] : undefined;
  if (taken === undefined) return [];
  const isTaken = (name: string) => taken.includes(name) || taken.includes(name.replace(/File$/, ''));
  const findings: Finding[] = Object.keys(given)
    .filter((name) => !isTaken(name))
    .map((name) => [[...path, name], `does not go with ${String(method)}`]);
  const [needed] = taken;
  if (needed === undefined) return findings;
  const ways = needed.endsWith('File') ? [needed] : [needed, `${needed}File`];
  const found = ways.filter((name) => given[name] !== undefined);
  if (found.length === 0) findings.push([[...path, needed], `is missing${ways[1] ? `, or ${ways[1]}` : ''}`]);
  if (found.length > 1)
    findings.push([[...path, ways[1] ?? ''], `does not go with ${needed}: one of the two`]);
  return findings;
}

/** A route, or forward auth. */
function judgeGuard(path: Path, { issuer, acceptJwts, claimHeaders }: Members, issuers: Members): Finding[] {
  const findings = judgeClaimHeaders([...path, 'claimHeaders'], membersOf(claimHeaders));
  if (typeof issuer === 'string' && !Object.hasOwn(issuers, issuer))
    findings.push([[...path, 'issuer'], 'is not one of issuers']);
  if (isInsecure(membersOf(acceptJwts).jwksUri))
    findings.push([[...path, 'acceptJwts', 'jwksUri'], insecure]);
  return findings;
}

function judgeWhole({ listen, trustedProxies, workers, ...config }: Members): Finding[] {
  const findings: Finding[] = [];
  const tls = membersOf(membersOf(listen).tls);
  if ((tls.clientCertificates === 'require') !== (tls.clientCaFile !== undefined))
    findings.push([
      ['listen', 'tls', 'clientCaFile'],
      'goes with clientCertificates: require, and that with it',
    ]);
  if (config.proxyCertificate !== undefined && isEmpty(trustedProxies))
    findings.push([['proxyCertificate'], 'is believed from trustedProxies only, and there are none']);
  const { format, header } = membersOf(config.proxyCertificate);
  if (format === 'nginx' && header === undefined)
    findings.push([['proxyCertificate', 'header'], 'is missing: nginx has no name of its own for it']);
  findings.push(...judgeRedis(membersOf(config.cache).redis));
  const isAlone = workers === undefined || workers === 1;
  if (config.dpop !== undefined && !isAlone && membersOf(config.cache).redis === undefined)
    findings.push([
      ['dpop'],
      'needs cache.redis where there are several workers, or each takes a proof once',
    ]);
  if (isEmpty(config.routes) && config.forwardAuth === undefined)
    findings.push([[], 'must have at least one of routes and forwardAuth, or nothing would be served']);
  return findings;
}

const isEmpty = (list: unknown) => list === undefined || (Array.isArray(list) && list.length === 0);

function judgeRedis(value: unknown): Finding[] {
  if (value === undefined) return [];
  const redis = membersOf(value);
  const path = ['cache', 'redis'];
  const findings: Finding[] = [];
  if (['url', 'sentinels', 'cluster'].filter((name) => redis[name] !== undefined).length !== 1)
    findings.push([path, 'must have one of url, sentinels and cluster']);
  if ((redis.sentinels === undefined) !== (redis.name === undefined))
    findings.push([[...path, 'name'], 'goes with sentinels, and those with it']);
  for (const name of ['sentinelUsername', 'sentinelPassword'])
    if (redis[name] !== undefined && redis.sentinels === undefined)
      findings.push([[...path, name], 'goes with sentinels']);
  for (const [username, password] of [
    ['username', 'password'],
    ['sentinelUsername', 'sentinelPassword'],
  ] as const)
    if (redis[username] !== undefined && redis[password] === undefined)
      findings.push([[...path, username], `goes with ${password}`]);
  if (redis.formerPepper !== undefined && redis.pepper === undefined)
    findings.push([[...path, 'formerPepper'], 'goes with pepper: what seals from now on']);
  const formerId = membersOf(redis.formerPepper).id;
  if (formerId !== undefined && formerId === membersOf(redis.pepper).id)
    findings.push([[...path, 'formerPepper', 'id'], 'must be another than that of pepper']);
  return findings;
}

const insecure = 'must be an https: URL; http: needs a loopback host or allowInsecureRequests';
const loopback = /^(?:localhost|.+\.localhost|127(?:\.\d+){3}|\[::1\])$/;

const isInsecure = (value: unknown) =>
  typeof value === 'string' &&
  /^http:/i.test(value) &&
  URL.canParse(value) &&
  !loopback.test(new URL(value).hostname);
