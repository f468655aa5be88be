// READMEs show examples that compile, name every option, and link to files that exist; pages on gateways show the
// configuration that is tested, and every gateway.yaml shown is one that the gateway takes. Needs a build.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, extname, join, resolve } from 'node:path';
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

// the pages show what is tested, whole
const tested = 'interop/config';
for (const [page, file] of [
  ['nginx', 'nginx.conf'],
  ['caddy', 'Caddyfile'],
  ['haproxy', 'haproxy.cfg'],
  ['apache', 'apache.conf'],
]) {
  if (!read(`docs/gateways/${page}.md`).includes(`\n${read(join(tested, file))}\`\`\``))
    faults.push(`docs/gateways/${page}.md does not show ${file} as it is tested`);
}

/** Options interface → the README that has a row for each of its members. */
const documented = {
  'packages/core/src/client-options.ts PhantomTokenClientOptions': 'packages/core/README.md',
  'packages/core/src/node.ts CreateFetchOptions': 'packages/core/README.md',
  'packages/cache-redis/src/redis-cache.ts RedisCacheOptions': 'packages/cache-redis/README.md',
  'packages/proxy/src/forwarder-options.ts ForwarderOptions': 'packages/proxy/README.md',
  'packages/proxy/src/forward-changes.ts ForwardChanges': 'packages/proxy/README.md',
  'packages/proxy/src/request-fields.ts FieldChanges': 'packages/proxy/README.md',
  ...Object.fromEntries(
    ['express', 'fastify', 'hono'].flatMap((framework) => [
      [
        `packages/core/src/challenge.ts ChallengeOptions ${framework}`,
        `packages/adapter-${framework}/README.md`,
      ],
      [
        `packages/core/src/authorize.ts AdapterOptions ${framework}`,
        `packages/adapter-${framework}/README.md`,
      ],
    ]),
  ),
};
for (const [source, readme] of Object.entries(documented)) {
  const [file, name] = source.split(' ');
  const [, body] = new RegExp(`interface ${name}\\b[^{]*\\{([\\s\\S]*?)\\n\\}`).exec(read(file));
  const rows = read(readme)
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  for (const [, option] of body.matchAll(/readonly (\w+)\??:/g)) {
    if (!rows.some((row) => row.split('|')[1].includes(`\`${option}\``)))
      faults.push(`${readme} has no row for ${option}`);
  }
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

/** What the gateway has to say against a configuration. Every variable that it names is a URL, which a text may be too. */
function complaintsAbout(config) {
  const names = [...config.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name);
  const env = Object.fromEntries(names.map((name) => [name, 'https://value.example']));
  const command = [join(root, 'packages/gateway/dist/cli.js'), '--config', '-', '--check'];
  return spawnSync(process.execPath, command, { input: config, env, encoding: 'utf8' }).stderr;
}

const pages = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
  cwd: root,
  encoding: 'utf8',
});
for (const page of pages.split('\n').filter((file) => file !== '' && !file.startsWith('.changeset/'))) {
  for (const [, config] of read(page).matchAll(/^```yaml\n(.*?)^```$/gms)) {
    const complaints = /^introspection:$/m.test(config) ? complaintsAbout(config) : '';
    if (complaints !== '') faults.push(`${page} shows a wrong gateway.yaml: ${complaints}`);
  }
  for (const [, target] of read(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)) {
    if (!existsSync(resolve(root, dirname(page), target)))
      faults.push(`${page} links to ${target}, which is not there`);
  }
}

for (const fault of faults) console.error(fault);
process.exitCode = faults.length === 0 ? 0 : 1;
