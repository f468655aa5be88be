import { type ObservableResult, metrics as openTelemetry } from '@opentelemetry/api';
import type { Registry } from 'prom-client';

/**
 * Lets an OpenTelemetry SDK that was loaded before us (`node --import`) read what Prometheus reads, when it wants to. A
 * histogram is three counters: its sum, its count, and its buckets by `le`. Without an SDK nothing happens.
 */
export function publishMetrics(registry: Registry): void {
  const meter = openTelemetry.getMeter('@phantom-token/gateway');
  for (const metric of registry.getMetricsAsArray()) {
    // prom-client types the object that a registry holds less than the one it gives
    const { name, help: description, type, get } = describe(metric);
    const isHistogram = type === 'histogram';
    for (const series of isHistogram ? [`${name}_sum`, `${name}_count`, `${name}_bucket`] : [name]) {
      const instrument =
        type === 'gauge'
          ? meter.createObservableGauge(series, { description })
          : meter.createObservableCounter(series, { description });
      instrument.addCallback(async (result: ObservableResult) => {
        for (const { value, labels, metricName } of (await get()).values)
          if ((metricName ?? name) === series) result.observe(value, labels);
      });
    }
  }
}

interface Described {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  get(): Promise<{
    readonly values: readonly {
      readonly value: number;
      readonly labels: Record<string, string | number>;
      readonly metricName?: string;
    }[];
  }>;
}

function describe(metric: object): Described {
  const { name, help, type, get } = metric as Described;
  return { name, help, type, get: () => get.call(metric) };
}
