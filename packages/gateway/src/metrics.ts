import type { PhantomTokenEvent } from '@phantom-token/core';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What is counted, for Prometheus. Counting a hit is adding one to a number; names and labels are made at a scrape. */
export interface Metrics {
  readonly registry: Registry;
  /** @param issuer The name of the authorization server, where there are several. */
  onEvent(event: PhantomTokenEvent, issuer?: string): void;
  /** The breakers are new ones. */
  closeBreakers(): void;
  countRequest(route: string, status: number): void;
  countRefusal(code: string): void;
  observeUpstream(route: string, durationSeconds: number, error: string | undefined): void;
  countUpstreamError(code: string): void;
}

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name: `phantom_token_${name}`, help, labelNames, registers });
  const histogram = (name: string, help: string, labelNames: string[]) =>
    new Histogram({ name: `phantom_token_${name}`, help, labelNames, buckets: seconds, registers });
  const introspections = counter('introspections_total', 'Introspections, by how they ended.', [
    'outcome',
    'code',
  ]);
  const introspectionSeconds = histogram('introspection_duration_seconds', 'How long introspections took.', [
    'outcome',
  ]);
  const misses = counter('cache_misses_total', 'Tokens that no tier of the cache knew.');
  const joined = counter('flights_joined_total', 'Requests that waited for the introspection of another.');
  const claimsJoined = counter(
    'claims_joined_total',
    'Tokens that another instance was asking about, whose answer was used.',
  );
  const refreshes = counter(
    'refreshes_total',
    'Tokens in use that were asked about again, in the background.',
  );
  const stale = counter(
    'stale_used_total',
    'Answers past their time that stood in, by why there was no other.',
    ['code'],
  );
  const revocations = counter(
    'revocations_total',
    'Tokens, subjects and sessions that were revoked, by whom.',
    ['by'],
  );
  const gaps = counter(
    'revocation_gaps_total',
    'Times that memory was flushed, as word may have been missed.',
  );
  const cacheErrors = counter('cache_errors_total', 'Commands that the shared cache failed.', [
    'operation',
    'code',
  ]);
  const warnings = counter(
    'warnings_total',
    'Warnings about the configuration or the authorization server.',
    ['code'],
  );
  const refusals = counter('refusals_total', 'Requests that were refused, by reason.', ['code']);
  const upstreamErrors = counter(
    'upstream_errors_total',
    'Requests that an upstream did not answer, or not to the end.',
    ['code'],
  );
  const upstreamSeconds = histogram('upstream_duration_seconds', 'Until an upstream began to answer.', [
    'route',
  ]);
  const breaker = new Gauge({
    name: 'phantom_token_breaker_state',
    help: '0: closed; 2: open, the authorization server is left alone but for a probe a second.',
    registers,
    // of several workers, the one that is worst off
    aggregator: 'max',
  });
  const serverClock = new Gauge({
    name: 'phantom_token_server_clock_ahead_seconds',
    help: 'How far the clock of the authorization server is ahead of ours, by its last answer; negative: behind.',
    labelNames: ['issuer'],
    registers,
    aggregator: 'average',
  });
  const openBreakers = new Set<string | undefined>();
  const hits = new Map<string, number>();
  new Counter({
    name: 'phantom_token_cache_hits_total',
    help: 'Tokens that the cache knew, by tier.',
    labelNames: ['tier'],
    registers,
    collect() {
      this.reset();
      for (const [tier, count] of hits) this.inc({ tier }, count);
    },
  });
  const requests = new Map<string, Map<number, number>>();
  new Counter({
    name: 'phantom_token_requests_total',
    help: 'Requests, by route and status.',
    labelNames: ['route', 'status'],
    registers,
    collect() {
      this.reset();
      for (const [route, statuses] of requests)
        for (const [status, count] of statuses) this.inc({ route, status: String(status) }, count);
    },
  });
  const add = <K>(counts: Map<K, number>, key: K) => counts.set(key, (counts.get(key) ?? 0) + 1);

  return {
    registry,
    onEvent(event, issuer) {
      switch (event.type) {
        case 'cache_hit':
          add(hits, event.source);
          break;
        case 'cache_miss':
          misses.inc();
          break;
        case 'flight_joined':
          joined.inc();
          break;
        case 'claim_joined':
          claimsJoined.inc();
          break;
        case 'refresh':
          refreshes.inc();
          break;
        case 'stale_used':
          stale.inc({ code: event.code });
          break;
        case 'revoked':
          revocations.inc({ by: event.by });
          break;
        case 'revocation_gap':
          gaps.inc();
          break;
        case 'introspection':
          introspections.inc({ outcome: event.outcome, code: event.outcome === 'unknown' ? event.code : '' });
          introspectionSeconds.observe({ outcome: event.outcome }, event.durationSeconds);
          break;
        case 'server_clock':
          serverClock.set(issuer === undefined ? {} : { issuer }, event.aheadSeconds);
          break;
        case 'cache_error':
          cacheErrors.inc({ operation: event.operation, code: event.code });
          break;
        case 'breaker':
          if (event.state === 'open') openBreakers.add(issuer);
          else openBreakers.delete(issuer);
          breaker.set(openBreakers.size > 0 ? 2 : 0);
          break;
        case 'warning':
          warnings.inc({ code: event.code });
      }
    },
    closeBreakers() {
      openBreakers.clear();
      breaker.set(0);
    },
    countRequest(route, status) {
      let statuses = requests.get(route);
      if (statuses === undefined) {
        statuses = new Map();
        requests.set(route, statuses);
      }
      add(statuses, status);
    },
    countRefusal: (code) => refusals.inc({ code }),
    countUpstreamError: (code) => upstreamErrors.inc({ code }),
    observeUpstream(route, durationSeconds, error) {
      upstreamSeconds.observe({ route }, durationSeconds);
      if (error !== undefined) upstreamErrors.inc({ code: error });
    },
  };
}
