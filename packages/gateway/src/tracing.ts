import type { IncomingHttpHeaders } from 'node:http';
import { context, propagation, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';

/** One request in a trace. */
export interface RequestTrace {
  /** `traceparent` and what else carries the trace to the upstream, names and values in turn. */
  readonly fields: readonly string[];
  end(status: number, error?: string): void;
}

export type StartTrace = (method: string, route: string, headers: IncomingHttpHeaders) => RequestTrace;

/**
 * Traces requests with whatever OpenTelemetry SDK was loaded before us (`node --import`). `undefined` without one: what
 * the client sent of a trace goes on as it is.
 */
export function createTracing(): StartTrace | undefined {
  const tracer = trace.getTracer('@phantom-token/gateway');
  const probe = tracer.startSpan('start');
  const isOn = probe.isRecording();
  probe.end();
  if (!isOn) return undefined;
  return (method, route, headers) => {
    const parent = propagation.extract(context.active(), headers);
    const attributes = { 'http.request.method': method, 'http.route': route };
    const span = tracer.startSpan(`${method} ${route}`, { kind: SpanKind.SERVER, attributes }, parent);
    const carrier: Record<string, string> = {};
    propagation.inject(trace.setSpan(parent, span), carrier);
    return { fields: Object.entries(carrier).flat(), end: (status, error) => end(span, status, error) };
  };
}

function end(span: Span, status: number, error: string | undefined): void {
  span.setAttribute('http.response.status_code', status);
  if (error !== undefined) span.setAttribute('error.type', error);
  if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}
