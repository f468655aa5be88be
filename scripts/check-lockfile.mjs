// The lockfile must install on other platforms too, and from whatever registry: every optional dependency (a platform's
// binary, mostly) of what is installed is in it, and no URL is.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './workspace.mjs';

const lockfile = readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8');
const store = join(root, 'node_modules', '.pnpm');

function* manifests() {
  for (const entry of readdirSync(store)) {
    const modules = join(store, entry, 'node_modules');
    if (!existsSync(modules)) continue;
    for (const name of readdirSync(modules)) {
      const names = name.startsWith('@')
        ? readdirSync(join(modules, name)).map((inner) => `${name}/${inner}`)
        : [name];
      for (const inner of names) {
        const manifest = join(modules, inner, 'package.json');
        if (existsSync(manifest)) yield JSON.parse(readFileSync(manifest, 'utf8'));
      }
    }
  }
}

const faults = new Set();
if (/https?:\/\//.test(lockfile)) faults.add('pnpm-lock.yaml holds a URL');
for (const { name, version, optionalDependencies = {} } of manifests()) {
  for (const optional of Object.keys(optionalDependencies)) {
    if (!lockfile.includes(`${optional}@`))
      faults.add(`pnpm-lock.yaml lacks ${optional}, optional for ${name}@${version}`);
  }
}
for (const fault of faults) console.error(fault);
process.exitCode = faults.size === 0 ? 0 : 1;
