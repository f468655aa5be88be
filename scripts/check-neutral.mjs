// Core's main entry must bundle for a runtime that has nothing but the web's own APIs.
import { build } from 'esbuild';
import { root } from './workspace.mjs';

const { outputFiles } = await build({
  entryPoints: ['packages/core/dist/index.js'],
  absWorkingDir: root,
  bundle: true,
  write: false,
  format: 'esm',
  platform: 'neutral',
  mainFields: ['module', 'main'],
  conditions: ['import', 'default'],
  minify: true,
  logLevel: 'error',
});
const [{ text }] = outputFiles;
const wrong = [/node:/, /\brequire\(/, /\bfrom\s*"[^"]/, /\bimport\s*"[^"]/].filter((pattern) =>
  pattern.test(text),
);
for (const pattern of wrong) console.error(`the neutral bundle of core holds ${pattern}`);
console.log(`core bundles to ${Math.round(text.length / 1024)} KiB, minified, with its dependencies`);
process.exitCode = wrong.length === 0 ? 0 : 1;
