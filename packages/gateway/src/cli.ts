#!/usr/bin/env node
import cluster from 'node:cluster';
import { createReadStream, readFileSync } from 'node:fs';
import { text as readAll } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { startAdminServer } from './admin-server.js';
import { startCluster } from './cluster.js';
import { ConfigError, parseConfig } from './config-file.js';
import { buildJsonSchema, type Config } from './config-schema.js';
import { describeHiddenRoutes } from './hidden-routes.js';
import { startInstance } from './instance.js';
import { createLog } from './log.js';
import { createMetrics } from './metrics.js';
import type { Revocation } from './revocation.js';
import { runWorker } from './worker.js';

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
  const stream = file === '-' ? process.stdin : createReadStream(file);
  return parseConfig(await readAll(stream), process.env);
}

async function main(): Promise<void> {
  const { config: file, check, schema, version, help } = readArguments();
  if (help) return void process.stdout.write(usage);
  if (schema) return void process.stdout.write(`${JSON.stringify(buildJsonSchema(), undefined, 2)}\n`);
  if (version) {
    const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
    return void process.stdout.write(`${manifest.version}\n`);
  }
  if (file === undefined) fail(`--config is missing\n\n${usage}`);
  let config: Config;
  try {
    config = await readConfig(file);
  } catch (error) {
    if (error instanceof ConfigError) fail(error.message);
    fail(
      `the configuration cannot be read: ${(error as NodeJS.ErrnoException).code ?? (error as Error).name}`,
    );
  }
  if (check) {
    for (const warning of describeHiddenRoutes(config)) process.stderr.write(`${warning}\n`);
    return void process.stdout.write('the configuration is valid\n');
  }
  try {
    await run(config, file);
  } catch (error) {
    if (error instanceof TypeError) fail(error.message);
    process.stderr.write(`the gateway could not start: ${(error as Error).message}\n`);
    process.exit(1);
  }
}

async function run(config: Config, file: string): Promise<void> {
  const log = createLog(config.log.level);
  for (const warning of describeHiddenRoutes(config)) log.warn(warning);
  const metrics = createMetrics();
  let isDraining = false;
  const alone = {
    isReady: () => !isDraining,
    collect: async () => ({
      text: await metrics.registry.metrics(),
      contentType: metrics.registry.contentType,
    }),
  };
  const instance =
    config.workers === 1
      ? { ...(await startInstance(config, log, metrics)), ...alone }
      : await startCluster(config, log);
  let current = config;
  const revoke = async (revocation: Revocation) => {
    const { issuer } = revocation;
    if (typeof issuer === 'string' && !Object.hasOwn(current.issuers, issuer))
      throw new TypeError('issuer is not one of issuers');
    await instance.revoke(revocation);
  };
  const adminUrl = config.admin && (await startAdminServer({ ...config.admin, ...instance, revoke }));

  async function reload(): Promise<void> {
    try {
      if (file === '-') throw new Error('a configuration from standard input cannot be read again');
      const next = await readConfig(file);
      if (fixedParts(current) !== fixedParts(next))
        throw new Error('listen, workers, admin and limits need a restart');
      await instance.reload(next);
      current = next;
      log.info('reloaded');
    } catch (error) {
      const { message } = error as Error;
      log.error({ reason: message }, 'the configuration was not reloaded; going on with the old one');
    }
  }

  async function drain(): Promise<void> {
    if (isDraining) return;
    isDraining = true;
    log.info('draining');
    await instance.drain();
    log.info('ended');
    process.exit(0);
  }

  // one after the other, so that the file as it was last is what counts
  let reloading = Promise.resolve();
  process.on('SIGHUP', () => {
    reloading = reloading.then(reload);
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void drain());
  // whatever the level, since scripts wait for it
  log
    .child({}, { level: 'info' })
    .info({ url: instance.url, ...(adminUrl === undefined ? {} : { adminUrl }) }, 'listening');
}

/** What a reload cannot change. */
const fixedParts = ({ listen, workers, admin, limits }: Config) =>
  JSON.stringify([listen, workers, admin, limits]);

if (cluster.isPrimary) await main();
else runWorker(createLog);
