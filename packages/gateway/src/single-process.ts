import type { Config } from './config-schema.js';
import { startInstance } from './instance.js';
import type { Log } from './log.js';
import { createMetrics } from './metrics.js';
import type { Processes } from './processes.js';

/** Serves in this process. */
export async function startSingleProcess(config: Config, log: Log): Promise<Processes> {
  const metrics = createMetrics();
  const instance = await startInstance(config, log, metrics);
  let isDraining = false;
  return {
    ...instance,
    drain() {
      isDraining = true;
      return instance.drain();
    },
    isReady: () => !isDraining,
    collect: async () => ({
      text: await metrics.registry.metrics(),
      contentType: metrics.registry.contentType,
    }),
  };
}
