import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';

const here = new URL('./', import.meta.url);
const pages = new URL('../../../docs/gateways/', import.meta.url);

const read = (name: string, folder = here) => readFileSync(new URL(name, folder), 'utf8');
const list = (folder: URL, extension: RegExp) =>
  readdirSync(fileURLToPath(folder)).filter((name) => extension.test(name));

type Mapping = Record<string, unknown>;
const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Every document of a YAML text; a mistake, a warning or a key given twice fails the test. */
const parseYaml = (text: string): unknown[] =>
  parseAllDocuments(text, { merge: true, uniqueKeys: true }).map((document) => {
    expect([...document.errors, ...document.warnings]).toEqual([]);
    return document.toJS() as unknown;
  });

/** The text of every fenced block of a page whose language is `yaml`. */
const fencedYaml = (page: string) =>
  [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, block]) => block ?? '');

/** The configuration's keys, as the contract has them: `true` is a value, `[shape]` a list of mappings. */
type Shape = { [key: string]: true | Shape | [Shape] };
const contract: Shape = {
  listen: { host: true, port: true },
  workers: true,
  introspection: {
    endpoint: true,
    issuer: true,
    clientAuth: { method: true, clientId: true, clientSecret: true },
    accept: true,
    jwtMembers: true,
    timeoutSeconds: true,
    allowInsecureRequests: true,
    badRequestMeansInactive: true,
    verify: { issuer: true, audience: true, jwksUri: true, algorithms: true },
  },
  cache: {
    maxEntries: true,
    maxTtlSeconds: true,
    earlyExpirySeconds: true,
    inactiveTtlSeconds: true,
    obeyCacheControl: true,
    redis: { url: true, keyPrefix: true },
  },
  routes: [{ path: true, upstream: true, stripPath: true, requiredScopes: true, realm: true, auth: true }],
  forwardAuth: { path: true },
  admin: { host: true, port: true },
  fastLane: true,
  log: { level: true },
};

/** The paths of keys that the contract does not have. */
function unknownKeys(value: unknown, shape: Shape, path = ''): string[] {
  if (!isMapping(value)) return [`${path} is not a mapping`];
  return Object.entries(value).flatMap(([key, inner]) => {
    const expected = Object.hasOwn(shape, key) ? shape[key] : undefined;
    const at = `${path}/${key}`;
    if (expected === undefined) return [at];
    if (expected === true) return [];
    if (!Array.isArray(expected)) return unknownKeys(inner, expected, at);
    if (!Array.isArray(inner)) return [`${at} is not a list`];
    return inner.flatMap((item, index) => unknownKeys(item, expected[0], `${at}/${index}`));
  });
}

const counters = [
  'phantom_token_introspections_total',
  'phantom_token_cache_hits_total',
  'phantom_token_cache_misses_total',
  'phantom_token_flights_joined_total',
  'phantom_token_cache_errors_total',
  'phantom_token_warnings_total',
  'phantom_token_breaker_state',
  'phantom_token_requests_total',
  'phantom_token_refusals_total',
  'phantom_token_upstream_errors_total',
];
const histograms = [
  'phantom_token_introspection_duration_seconds',
  'phantom_token_upstream_duration_seconds',
];

/** Every value of a member anywhere in a JSON value. */
const members = (value: unknown, name: string): unknown[] =>
  typeof value !== 'object' || value === null
    ? []
    : Object.entries(value).flatMap(([key, inner]) => [
        ...(key === name ? [inner] : []),
        ...members(inner, name),
      ]);

describe('deployment files', () => {
  it.each(list(here, /\.ya?ml$/))('%s is YAML', (name) => {
    expect(parseYaml(read(name)).every(isMapping)).toBe(true);
  });

  it.each(list(here, /\.json$/))('%s is JSON', (name) => {
    expect(JSON.parse(read(name))).toBeTypeOf('object');
  });

  it.each(list(pages, /\.md$/))('docs/gateways/%s holds YAML that parses', (name) => {
    for (const block of fencedYaml(read(name, pages))) {
      const documents = parseYaml(block);
      expect(documents.length).toBeGreaterThan(0);
      for (const document of documents) {
        expect(document).toSatisfy(isMapping);
        if (isMapping(document) && 'introspection' in document) {
          expect(unknownKeys(document, contract)).toEqual([]);
        }
      }
    }
  });

  it.each(['traefik.md', 'envoy.md', 'kong.md'])('docs/gateways/%s has a yaml block', (name) => {
    expect(fencedYaml(read(name, pages)).length).toBeGreaterThan(0);
  });

  it('gateway.yaml has only keys of the contract', () => {
    expect(parseYaml(read('gateway.yaml')).flatMap((value) => unknownKeys(value, contract))).toEqual([]);
  });

  it('the ConfigMap holds a gateway.yaml with only keys of the contract', () => {
    const configurations = parseYaml(read('kubernetes.yaml')).flatMap((value) =>
      isMapping(value) && value.kind === 'ConfigMap' && isMapping(value.data)
        ? [value.data['gateway.yaml']]
        : [],
    );
    expect(configurations).toHaveLength(1);
    const documents = parseYaml(String(configurations[0]));
    expect(documents).toHaveLength(1);
    expect(documents.flatMap((value) => unknownKeys(value, contract))).toEqual([]);
    expect(documents[0]).toMatchObject({ admin: { port: 9901 } });
  });

  it('a pod waits before it ends until nodes know, and has time for that beside drainSeconds', () => {
    const deployment = parseYaml(read('kubernetes.yaml')).find(
      (value) => isMapping(value) && value.kind === 'Deployment',
    );
    const [seconds] = members(deployment, 'terminationGracePeriodSeconds');
    const [command] = members(deployment, 'command');
    expect(command).toEqual(['sleep', expect.stringMatching(/^\d+$/)]);
    const drainSeconds = 30;
    expect(Number(seconds)).toBeGreaterThan(Number((command as string[])[1]) + drainSeconds);
  });

  it('a key that the contract does not have is found', () => {
    expect(unknownKeys({ listen: { hots: '::' }, routes: [{ to: 1 }], redis: {} }, contract)).toEqual([
      '/listen/hots',
      '/routes/0/to',
      '/redis',
    ]);
  });

  it('the dashboard uses every metric of the gateway and no other', () => {
    const dashboard: unknown = JSON.parse(read('grafana-dashboard.json'));
    const used = new Set(
      [...members(dashboard, 'expr'), ...members(dashboard, 'definition')].flatMap((text) =>
        [...String(text).matchAll(/\b([a-zA-Z_:][\w:]*)(?=\{|,\s*(?:job|instance)\))/g)].map(
          ([, name]) => name ?? '',
        ),
      ),
    );
    const suffixes = histograms.flatMap((name) => [`${name}_bucket`, `${name}_sum`, `${name}_count`]);
    expect([...used].filter((name) => ![...counters, ...suffixes].includes(name))).toEqual([]);
    expect(counters.filter((name) => !used.has(name))).toEqual([]);
    expect(histograms.filter((name) => !used.has(`${name}_bucket`))).toEqual([]);
  });

  it('every query of the dashboard goes to the data source variable', () => {
    const dashboard: unknown = JSON.parse(read('grafana-dashboard.json'));
    const sources = members(dashboard, 'datasource');
    expect(sources.length).toBeGreaterThan(0);
    for (const source of sources) {
      expect(source).toMatchObject({ type: 'prometheus', uid: expect.stringMatching(/^\$\{datasource\}$/) });
    }
    expect(members(dashboard, 'list').flat()).toContainEqual(
      expect.objectContaining({ name: 'datasource', type: 'datasource', query: 'prometheus' }),
    );
  });

  it('compose.yaml has no dollar sign that Compose would stumble over', () => {
    expect(read('compose.yaml').match(/\$(?!\$|\{[A-Z_]+:\?set [A-Z_]+\})(?<!\$\$)/g)).toBeNull();
  });

  it('the image does not run as root', () => {
    const users = [...read('Dockerfile').matchAll(/^USER\s+([^\s:]+)/gim)].map(([, user]) => user);
    expect(users.length).toBeGreaterThan(0);
    expect(users.filter((user) => user === 'root' || user === '0')).toEqual([]);
  });

  it('the unit reloads by SIGHUP', () => {
    expect(read('phantom-token-gateway.service')).toMatch(/^ExecReload=\/bin\/kill -HUP \$MAINPID$/m);
  });
});
