import type { Config } from './config-schema.js';
import { type GatewayServer, startServer } from './gateway-server.js';
import type { Log } from './log.js';
import type { Metrics } from './metrics.js';
import { createRuntime } from './runtime.js';
import { createTracing } from './tracing.js';

/** One process that serves: a server, and the runtime that a reload replaces. */
export interface Instance {
  readonly url: string;
  /** Goes on with another configuration; requests under way end with the old one. What listens stays as it is. */
  reload(config: Config): Promise<void>;
  /** Resolves when everything under way has ended, or when the time for that is over. */
  drain(): Promise<void>;
}

export async function startInstance(config: Config, log: Log, metrics: Metrics): Promise<Instance> {
  const tools = { log, metrics, startTrace: createTracing() };
  let current = config;
  let runtime = await createRuntime(config, tools);
  const server: GatewayServer = await startServer(config, runtime);
  return {
    url: server.url,
    async reload(next) {
      const replaced = runtime;
      runtime = await createRuntime(next, tools);
      current = next;
      server.use(runtime);
      replaced
        .close()
        .catch((error: Error) => log.warn({ error: error.name }, 'closing the old configuration failed'));
    },
    async drain() {
      const timer = new Promise<void>((resolve) => {
        setTimeout(resolve, current.limits.drainSeconds * 1000).unref();
      });
      await Promise.race([server.drain(), timer]);
    },
  };
}
