import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import { withinDeadline } from './deadline.js';
import { IntrospectionError } from './errors.js';
import { exchangeHttp, type Fetch } from './http-exchange.js';
import { parseJsonObject } from './json-object.js';
import { requestsShareIo } from './runtime.js';
import { createSingleFlight, createSoloFlight } from './single-flight.js';

/** A set younger than this is used as it is; an older one is renewed when it is next needed. Seconds. */
const renewAfterSeconds = 600;
/** A set that cannot be renewed is used up to this age. Seconds. */
const maxAgeSeconds = 3600;
/** No two fetches lie closer together, whatever keys are asked for. Seconds. */
const cooldownSeconds = 30;
/** The same while there is no set at all. Seconds. */
const firstCooldownSeconds = 1;
const timeoutSeconds = 2;
const maxResponseBytes = 262_144;

interface KeySet {
  readonly find: JWTVerifyGetKey;
  readonly fetchedAt: number;
}

/**
 * The keys that an issuer publishes (RFC 7517 §5), fetched when needed: one fetch at a time, an unknown key asks again
 * at most once in 30 s, and an outage of the key endpoint leaves the last good set in use.
 */
export function createRemoteKeys(url: string, fetch: Fetch): (now: number) => JWTVerifyGetKey {
  const flights = requestsShareIo()
    ? createSingleFlight<KeySet>({ maxWaiters: Number.POSITIVE_INFINITY })
    : createSoloFlight<KeySet>();
  let current: KeySet | undefined;
  let attemptedAt = Number.NEGATIVE_INFINITY;
  /** Why the last attempt failed, where it did. */
  let fault: unknown;

  // the distance either way, so that a clock set back does not stop us from asking
  const isCooling = (now: number) =>
    Math.abs(now - attemptedAt) < (current === undefined ? firstCooldownSeconds : cooldownSeconds);

  const isYoungerThan = (set: KeySet, seconds: number, now: number) =>
    Math.abs(now - set.fetchedAt) < seconds;

  async function renew(now: number): Promise<KeySet> {
    try {
      current = { find: await fetchKeys(url, fetch), fetchedAt: now };
      fault = undefined;
      return current;
    } catch (error) {
      fault = error;
      throw error;
    }
  }

  /** The set to use, or the last good one where no newer is to be had. */
  async function renewed(now: number): Promise<KeySet> {
    const last = current !== undefined && isYoungerThan(current, maxAgeSeconds, now) ? current : undefined;
    // whoever makes keys up may ask a million times: there is nothing to wait for
    if (isCooling(now) && !flights.has(url)) {
      if (last !== undefined) return last;
      throw unavailable();
    }
    try {
      return await flights.join(url, () => {
        attemptedAt = now;
        return renew(now);
      });
    } catch (error) {
      if (last !== undefined) return last;
      throw error;
    }
  }

  return (now) => async (header, token) => {
    const set =
      current !== undefined && isYoungerThan(current, renewAfterSeconds, now) ? current : await renewed(now);
    try {
      return await set.find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      const next = await renewed(now);
      // a key that the issuer may have published since is not known to be a wrong one
      if (next === set) throw fault ?? error;
      return next.find(header, token);
    }
  };
}

const unavailable = () =>
  new IntrospectionError('ERR_KEYS_UNAVAILABLE', "the issuer's keys could not be fetched");

async function fetchKeys(url: string, fetch: Fetch): Promise<JWTVerifyGetKey> {
  const headers = new Headers({ Accept: 'application/jwk-set+json, application/json' });
  const answer = await withinDeadline(timeoutSeconds, (signal) =>
    exchangeHttp(() => ({ url, method: 'GET', headers }), { fetch, signal, maxResponseBytes }),
  );
  if (answer.status !== 200) throw unavailable();
  try {
    return createLocalJWKSet(parseJsonObject(answer.body) as unknown as JSONWebKeySet);
  } catch {
    throw unavailable();
  }
}
