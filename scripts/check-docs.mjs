// READMEs show examples that compile, name every option, and link to files that exist.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { root } from './workspace.mjs';

const faults = [];
const read = (file) => readFileSync(join(root, file), 'utf8');

for (const name of readdirSync(join(root, 'packages'))) {
  const readme = read(`packages/${name}/README.md`);
  const examples = join('packages', name, 'examples');
  for (const file of existsSync(join(root, examples)) ? readdirSync(join(root, examples)) : []) {
    if (!readme.includes(`\`\`\`ts\n${read(join(examples, file))}\`\`\``))
      faults.push(`${name}/README.md does not show ${file} as it is`);
  }
}

/** Options interface → the README that has a row for each of its members. */
const documented = {
  'packages/core/src/client-options.ts PhantomTokenClientOptions': 'packages/core/README.md',
  'packages/core/src/node.ts CreateFetchOptions': 'packages/core/README.md',
  'packages/cache-redis/src/redis-cache.ts RedisCacheOptions': 'packages/cache-redis/README.md',
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

const pages = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
  cwd: root,
  encoding: 'utf8',
});
for (const page of pages.split('\n').filter((file) => file !== '' && !file.startsWith('.changeset/'))) {
  for (const [, target] of read(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)) {
    if (!existsSync(resolve(root, dirname(page), target)))
      faults.push(`${page} links to ${target}, which is not there`);
  }
}

for (const fault of faults) console.error(fault);
process.exitCode = faults.length === 0 ? 0 : 1;
