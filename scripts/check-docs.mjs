// READMEs show examples that compile, name every option and no other, and link to files that exist; pages show the files
// that are tested, and every gateway.yaml shown is one that the gateway takes. Needs a build.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, extname, join, relative, resolve } from 'node:path';
import { root } from './workspace.mjs';

const faults = [];
const read = (file) => readFileSync(join(root, file), 'utf8');

for (const name of readdirSync(join(root, 'packages'))) {
  const readme = read(`packages/${name}/README.md`);
  const examples = join('packages', name, 'examples');
  for (const file of existsSync(join(root, examples)) ? readdirSync(join(root, examples)) : []) {
    if (!readme.includes(`\`\`\`${extname(file).slice(1)}\n${read(join(examples, file))}\`\`\``))
      faults.push(`${name}/README.md does not show ${file} as it is`);
  }
}

/** The text between two marks, without them; without marks, from the beginning, or to the end. */
function cut(text, from = '', to) {
  const start = text.indexOf(from);
  const end = to === undefined ? text.length : text.lastIndexOf(to);
  return start === -1 || end < start ? undefined : text.slice(start, end);
}

// the pages show what is tested, whole or from one mark to another
for (const [page, file, from, to] of [
  ['gateways/nginx', 'interop/config/nginx.conf'],
  ['gateways/caddy', 'interop/config/Caddyfile'],
  ['gateways/haproxy', 'interop/config/haproxy.cfg'],
  ['gateways/apache', 'interop/config/apache.conf'],
  ['mcp', 'packages/adapter-express/test/mcp-server.ts'],
  ['servers/django-oauth-toolkit', 'interop/authorization-servers/django/settings.py', '# Without it,'],
  [
    'servers/doorkeeper',
    'interop/authorization-servers/doorkeeper/config/initializers/doorkeeper.rb',
    '  # The gateway may ask',
    'end\n',
  ],
]) {
  const shown = cut(read(file), from, to);
  if (shown === undefined || !read(`docs/${page}.md`).includes(`\n${shown}\`\`\``))
    faults.push(`docs/${page}.md does not show ${file} as it is tested`);
}

/** README, heading of the section with the table, and the interfaces whose members are its rows. */
const tables = [
  [
    'packages/core/README.md',
    'Options of `createPhantomTokenClient`',
    ['packages/core/src/client-options.ts PhantomTokenClientOptions'],
  ],
  [
    'packages/core/README.md',
    '`jwtVerifier(options)`',
    [
      'packages/core/src/jwt-verifier.ts JwtVerifierOptions',
      'packages/core/src/verification-keys.ts VerificationKeyOptions',
    ],
  ],
  [
    'packages/core/README.md',
    '`responseVerifier(options)`',
    [
      'packages/core/src/response-verifier.ts ResponseVerifierOptions',
      'packages/core/src/verification-keys.ts VerificationKeyOptions',
    ],
  ],
  ['packages/core/README.md', '`jwtMinter(options)`', ['packages/core/src/minting.ts JwtMinterOptions']],
  [
    'packages/core/README.md',
    '`dpopVerifier(options)`',
    ['packages/core/src/dpop-proof.ts DpopVerifierOptions'],
  ],
  ['packages/core/README.md', '`dpopNonces(options)`', ['packages/core/src/dpop-nonce.ts DpopNoncesOptions']],
  [
    'packages/core/README.md',
    '`proxyCertificate(options)`',
    ['packages/core/src/proxy-certificate.ts ProxyCertificateOptions'],
  ],
  [
    'packages/core/README.md',
    '`resourceMetadataDocument(options)`',
    ['packages/core/src/documents.ts ResourceMetadataOptions'],
  ],
  ['packages/core/README.md', '`createFetch(options)`', ['packages/core/src/node.ts CreateFetchOptions']],
  [
    'packages/cache-redis/README.md',
    'Options of `redisCache(redis, options)`',
    ['packages/cache-redis/src/redis-cache.ts RedisCacheOptions'],
  ],
  [
    'packages/cache-redis/README.md',
    'Options of `redisReplayStore(redis, options)`',
    ['packages/cache-redis/src/redis-replay-store.ts RedisReplayStoreOptions'],
  ],
  [
    'packages/proxy/README.md',
    'Options of `createForwarder`',
    ['packages/proxy/src/forwarder-options.ts ForwarderOptions'],
  ],
  [
    'packages/proxy/README.md',
    'Changes to one request',
    [
      'packages/proxy/src/forward-changes.ts ForwardChanges',
      'packages/proxy/src/request-fields.ts FieldChanges',
    ],
  ],
  ...['express', 'fastify', 'hono'].map((framework) => [
    `packages/adapter-${framework}/README.md`,
    'Options',
    [
      'packages/core/src/authorize.ts AdapterOptions',
      'packages/core/src/authorize.ts AuthorizeOptions',
      'packages/core/src/challenge.ts ChallengeOptions',
      'packages/core/src/rewrite.ts RewriteOptions',
    ],
  ]),
];

function membersOf(source) {
  const [file, name] = source.split(' ');
  const [, body] = new RegExp(`interface ${name}\\b[^{]*\\{([\\s\\S]*?)\\n\\}`).exec(read(file));
  return [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, member]) => member);
}

/** The names in the first column of a section's tables. */
function rowsOf(readme, heading) {
  const sections = read(readme).split(/^#+ /m);
  const section = sections.find((text) => text.startsWith(`${heading}\n`)) ?? '';
  const columns = [...section.matchAll(/^\| ([^|]+)\|/gm)].map(([, column]) => column);
  return columns.flatMap((column) => [...column.matchAll(/`(\w+)`/g)].map(([, name]) => name));
}

for (const [readme, heading, sources] of tables) {
  const members = new Set(sources.flatMap(membersOf));
  const rows = new Set(rowsOf(readme, heading));
  for (const name of members)
    if (!rows.has(name)) faults.push(`${readme} has no row for ${name} under ${heading}`);
  for (const name of rows)
    if (!members.has(name))
      faults.push(`${readme} has a row for ${name} under ${heading}, which is no option`);
}

/** Every value that a JSON Schema has a place for: its path, such as `routes[].path`, and its default. */
function listOptions(schema, path = '') {
  if (schema.properties !== undefined)
    return Object.entries(schema.properties).flatMap(([name, inner]) =>
      listOptions(inner, path === '' ? name : `${path}.${name}`),
    );
  if (schema.items?.properties !== undefined) return listOptions(schema.items, `${path}[]`);
  return [{ path, standard: schema.default }];
}

const gatewayReadme = 'packages/gateway/README.md';
const options = listOptions(JSON.parse(read('packages/gateway/dist/gateway.schema.json')));
const rows = new Map(
  [...read(gatewayReadme).matchAll(/^\| `([\w.[\]]+)` \|[^|]+\|([^|]+)\|[^|]*\|$/gm)].map(
    ([, name, standard]) => [name, standard.trim()],
  ),
);
for (const { path, standard } of options) {
  const row = rows.get(path);
  const isShown = !['string', 'number', 'boolean'].includes(typeof standard) || row === `\`${standard}\``;
  if (row === undefined) faults.push(`${gatewayReadme} has no row for ${path}`);
  else if (!isShown) faults.push(`${gatewayReadme} has ${row} as the default of ${path}, not ${standard}`);
}
const topLevel = new Set(options.map(({ path }) => path.split(/\W/)[0]));
for (const name of rows.keys()) {
  if (topLevel.has(name.split(/\W/)[0]) && !options.some(({ path }) => path === name))
    faults.push(`${gatewayReadme} has a row for ${name}, which is no option`);
}

/**
 * What the gateway has to say against a configuration. Every variable that it names is a URL, which a text may be too, and
 * every file is there.
 */
function complaintsAbout(config) {
  const names = [...config.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name);
  const env = Object.fromEntries(names.map((name) => [name, 'https://value.example']));
  const command = [join(root, 'packages/gateway/dist/cli.js'), '--config', '-', '--check'];
  const cwd = mkdtempSync(join(tmpdir(), 'documented-'));
  for (const [name] of config.matchAll(/[\w-]+\.(?:pem|key)\b/g)) writeFileSync(join(cwd, name), '');
  try {
    return spawnSync(process.execPath, command, { input: config, env, cwd, encoding: 'utf8' }).stderr;
  } finally {
    rmSync(cwd, { recursive: true });
  }
}

/** The names by which the headings of a page can be linked to; a folder has none. */
const anchorsOf = (file) =>
  [...(file.endsWith('.md') ? read(file) : '').matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );

const pages = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
  cwd: root,
  encoding: 'utf8',
});
for (const page of pages.split('\n').filter((file) => file !== '' && !file.startsWith('.changeset/'))) {
  for (const [, config] of read(page).matchAll(/^```yaml\n(.*?)^```$/gms)) {
    const complaints = /^introspection:$/m.test(config) ? complaintsAbout(config) : '';
    if (complaints !== '') faults.push(`${page} shows a wrong gateway.yaml: ${complaints}`);
  }
  for (const [, target, anchor] of read(page).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)) {
    const file = target === '' ? page : relative(root, resolve(root, dirname(page), target));
    if (!existsSync(join(root, file))) faults.push(`${page} links to ${target}, which is not there`);
    else if (anchor !== undefined && !anchorsOf(file).includes(anchor))
      faults.push(`${page} links to #${anchor} of ${file}, which has no such heading`);
  }
}

for (const fault of faults) console.error(fault);
process.exitCode = faults.length === 0 ? 0 : 1;
