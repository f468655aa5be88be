// Installs better-auth into this folder by its own lockfile, apart from the workspace.
import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));
const tools = fileURLToPath(new URL('../../../node_modules/.bin', import.meta.url));

export const installBetterAuth = () => {
  const made = join(folder, 'node_modules', '.modules.yaml');
  const locked = join(folder, 'pnpm-lock.yaml');
  if (existsSync(made) && statSync(made).mtimeMs >= statSync(locked).mtimeMs) return;
  const args = [
    ...['install', '--ignore-workspace', '--ignore-scripts', '--frozen-lockfile'],
    ...['--prefer-offline', '--reporter=append-only'],
  ];
  const env = { ...process.env, PATH: tools + delimiter + (process.env.PATH ?? '') };
  // Standard output stays free for the results.
  execFileSync('pnpm', args, { cwd: folder, env, stdio: ['ignore', 2, 2] });
};
