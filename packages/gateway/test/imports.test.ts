import { expect, it, onTestFinished, vi } from 'vitest';
import { type GatewayProcess, startGatewayProcess } from './gateway.js';
import { admin, listen, startAuthorizationServer, startUpstream } from './stage.js';

/** Starts a gateway that tells the packages that its processes import. */
async function start(options: object): Promise<GatewayProcess> {
  const upstream = await startUpstream();
  const { introspection } = await startAuthorizationServer();
  vi.stubEnv('NODE_OPTIONS', `--import ${new URL('./imported-packages.mjs', import.meta.url)}`);
  onTestFinished(() => void vi.unstubAllEnvs());
  const routes = [{ path: '/api', upstream: upstream.url }];
  return startGatewayProcess({ listen, introspection, routes, ...options });
}

function importsOf({ lines, process }: GatewayProcess) {
  const imports = lines.filter(({ msg }) => msg === 'import');
  const packagesOf = (of: typeof imports) => of.map(({ specifier }) => specifier);
  return {
    first: packagesOf(imports.filter(({ pid }) => pid === process.pid)),
    workers: packagesOf(imports.filter(({ pid }) => pid !== process.pid)),
  };
}

it('a gateway without Redis and telemetry imports nothing for them', async () => {
  const { first } = importsOf(await start({ admin }));
  expect(first).toEqual(expect.arrayContaining(['zod', 'yaml', 'prom-client', 'undici']));
  for (const name of ['@phantom-token/cache-redis', '@opentelemetry/api']) expect(first).not.toContain(name);
});

it('one with Redis imports what speaks to it', async () => {
  const { first } = importsOf(await start({ cache: { redis: { url: 'redis://127.0.0.1:1' } } }));
  expect(first).toContain('@phantom-token/cache-redis');
});

it('of several processes the first imports nothing that forwards, and the others nothing that reads the file', async () => {
  const { first, workers } = importsOf(await start({ admin, workers: 2 }));
  expect(first).toEqual(expect.arrayContaining(['zod', 'yaml']));
  for (const name of ['@phantom-token/proxy', 'undici']) expect(first).not.toContain(name);
  expect(workers).toContain('@phantom-token/proxy');
  for (const name of ['zod', 'yaml']) expect(workers).not.toContain(name);
});
