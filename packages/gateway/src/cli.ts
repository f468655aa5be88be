#!/usr/bin/env node
import cluster from 'node:cluster';
import { createReadStream, readFileSync } from 'node:fs';
import { text as readAll } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import type { Config } from './config-schema.js';
import { describeHiddenRoutes } from './hidden-routes.js';

// what this process does not need is not loaded, since a start costs what its modules cost

const usage = `Usage: phantom-token-gateway --config <file>

  --config <file>  the configuration, YAML; - for standard input
  --check          says what is wrong with the configuration, and ends
  --schema         prints the JSON Schema of the configuration
  --version        says which version this is
  --help           says this

SIGHUP reads the file again, SIGTERM ends after what is under way.
`;

/** The arguments or the file are wrong: nothing was started. */
const invalid = 2;

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        config: { type: 'string' },
        check: { type: 'boolean' },
        schema: { type: 'boolean' },
        version: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    });
    return values;
  } catch (error) {
    return fail(`${(error as Error).message}\n\n${usage}`);
  }
}

function fail(message: string): never {
  process.stderr.write(`${message.trimEnd()}\n`);
  process.exit(invalid);
}

async function readConfig(file: string): Promise<Config> {
  const { parseConfig } = await import('./config-file.js');
  const stream = file === '-' ? process.stdin : createReadStream(file);
  return parseConfig(await readAll(stream), process.env);
}

async function readAgain(file: string): Promise<Config> {
  if (file === '-') throw new Error('a configuration from standard input cannot be read again');
  return readConfig(file);
}

async function main(): Promise<void> {
  const { config: file, check, schema, version, help } = readArguments();
  if (help) return void process.stdout.write(usage);
  if (schema) {
    const { buildJsonSchema } = await import('./config-schema.js');
    return void process.stdout.write(`${JSON.stringify(buildJsonSchema(), undefined, 2)}\n`);
  }
  if (version) {
    const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
    return void process.stdout.write(`${manifest.version}\n`);
  }
  if (file === undefined) fail(`--config is missing\n\n${usage}`);
  let config: Config;
  try {
    config = await readConfig(file);
  } catch (error) {
    const { name, message, code } = error as NodeJS.ErrnoException;
    fail(name === 'ConfigError' ? message : `the configuration cannot be read: ${code ?? name}`);
  }
  if (check) {
    for (const warning of describeHiddenRoutes(config)) process.stderr.write(`${warning}\n`);
    return void process.stdout.write('the configuration is valid\n');
  }
  try {
    const { runGateway } = await import('./gateway.js');
    await runGateway(config, () => readAgain(file));
  } catch (error) {
    if (error instanceof TypeError) fail(error.message);
    process.stderr.write(`the gateway could not start: ${(error as Error).message}\n`);
    process.exit(1);
  }
}

if (cluster.isPrimary) await main();
else (await import('./worker.js')).runWorker();
