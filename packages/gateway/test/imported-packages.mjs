// Writes a line of JSON for each package that a process of the gateway imports.
import { writeSync } from 'node:fs';
import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

if (isMainThread) register(import.meta.url);

export function resolve(specifier, context, next) {
  if (/^@?[\w-]+(?:\/|$)/.test(specifier)) {
    const line = JSON.stringify({ level: 'import', msg: 'import', specifier, pid: process.pid });
    writeSync(1, `${line}\n`);
  }
  return next(specifier, context);
}
