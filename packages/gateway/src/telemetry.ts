import type { Registry } from 'prom-client';
import type { StartTrace } from './tracing.js';

/** Where OpenTelemetry's API keeps what an SDK has registered, before and after it was loaded here. */
const registered = Symbol.for('opentelemetry.js.api.1');

/**
 * Gives our metrics to the OpenTelemetry SDK that was loaded before us (`node --import`), and traces with it. Without
 * one the API, which would do nothing, is not loaded.
 */
export async function joinTelemetry(registry: Registry): Promise<StartTrace | undefined> {
  if (!(registered in globalThis)) return undefined;
  const { publishMetrics } = await import('./otel-metrics.js');
  const { createTracing } = await import('./tracing.js');
  publishMetrics(registry);
  return createTracing();
}
