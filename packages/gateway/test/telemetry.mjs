// The least that a gateway takes for an OpenTelemetry SDK: W3C Trace Context, a line of JSON for each span that ends, and
// one with all metrics ten times a second.
import { randomBytes } from 'node:crypto';
import { metrics, propagation, trace } from '@opentelemetry/api';

const hex = (bytes) => randomBytes(bytes).toString('hex');
const say = (fields) => process.stdout.write(`${JSON.stringify({ level: 'span', ...fields })}\n`);

function startSpan(name, { kind, attributes = {} } = {}, parent) {
  const above = parent && trace.getSpanContext(parent);
  const spanContext = { traceId: above?.traceId ?? hex(16), spanId: hex(8), traceFlags: 1 };
  const said = { msg: name, kind, parentId: above?.spanId, ...spanContext, attributes: { ...attributes } };
  return {
    spanContext: () => spanContext,
    isRecording: () => true,
    setAttribute(key, value) {
      said.attributes[key] = value;
    },
    setStatus({ code }) {
      said.status = code;
    },
    end: () => say(said),
  };
}

trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan }) });
propagation.setGlobalPropagator({
  fields: () => ['traceparent'],
  inject(context, carrier, setter) {
    const { traceId, spanId } = trace.getSpanContext(context);
    setter.set(carrier, 'traceparent', `00-${traceId}-${spanId}-01`);
  },
  extract(context, carrier, getter) {
    const [, traceId, spanId] = String(getter.get(carrier, 'traceparent') ?? '').split('-');
    if (spanId === undefined) return context;
    return trace.setSpanContext(context, { traceId, spanId, traceFlags: 1, isRemote: true });
  },
});

const instruments = new Map();
const instrument = (name) => {
  const callbacks = [];
  instruments.set(name, callbacks);
  return { addCallback: (callback) => callbacks.push(callback) };
};
const meter = { createObservableCounter: instrument, createObservableGauge: instrument };
metrics.setGlobalMeterProvider({ getMeter: () => meter });
setInterval(async () => {
  const values = [];
  for (const [name, callbacks] of instruments)
    for (const callback of callbacks)
      await callback({ observe: (value, labels) => values.push([name, labels, value]) });
  say({ msg: 'metrics', values });
}, 100).unref();
