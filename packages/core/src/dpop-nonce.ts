import { base64url } from 'jose';
import { IntrospectionError } from './errors.js';
import { nonEmpty, refuseUnknown, seconds } from './option-checks.js';
import { holdSecret, type Secret } from './secret.js';

/** The nonces that the proofs of a moment may carry (RFC 9449 §9). */
export interface NonceWindow {
  /** What clients are given. */
  readonly current: string;
  /** Still accepted; a client that uses it is given the current one. */
  readonly previous: string;
}

/** Makes the nonces that clients put into their proofs. Made by `dpopNonces`. */
export interface DpopNonces {
  /** @param now NumericDate. */
  windowAt(now: number): Promise<NonceWindow>;
}

export interface DpopNoncesOptions {
  /** At least 32 characters, or a function that fetches them: asked again for every new nonce. Instances share it. */
  readonly secret: Secret;
  /** How long a nonce is given out; it is accepted for as long again. Seconds, default 120. */
  readonly lifetimeSeconds?: number;
}

/** The least that keeps the secret from being guessed, as every client has nonces to try guesses on. Characters. */
const minSecretLength = 32;
/** So that a secret that serves something else too yields other digests here. */
const purpose = 'phantom-token/dpop-nonce/1';

/**
 * Nonces that no instance has to remember: the HMAC of the time, in steps of `lifetimeSeconds`. Instances with the same
 * secret and lifetime accept each other's. They end what proofs made in advance, or for a wrong clock, are good for
 * (RFC 9449 §11.2).
 * @throws {TypeError} naming the option that is unknown, missing or wrong.
 */
export function dpopNonces(options: DpopNoncesOptions): DpopNonces {
  refuseUnknown('dpopNonces', options, { secret: true, lifetimeSeconds: true });
  const lifetime = seconds('lifetimeSeconds', options.lifetimeSeconds, 120, { positive: true });
  const secret = holdSecret(options.secret, importSecret);
  let held: { readonly step: number; readonly window: Promise<NonceWindow> } | undefined;

  async function make(step: number, isFirst: boolean): Promise<NonceWindow> {
    if (!isFirst) await secret.renew();
    const key = await secret.current();
    const nonceOf = async (of: number) => {
      const text = new TextEncoder().encode(`${purpose} ${lifetime} ${of}`);
      return base64url.encode(new Uint8Array(await crypto.subtle.sign('HMAC', key, text)));
    };
    const [current, previous] = await Promise.all([nonceOf(step), nonceOf(step - 1)]);
    return Object.freeze({ current, previous });
  }

  return Object.freeze({
    windowAt(now: number) {
      const step = Math.floor(now / lifetime);
      if (held?.step === step) return held.window;
      const window = make(step, held === undefined).catch(() => {
        // the next request tries again
        held = undefined;
        throw new IntrospectionError('ERR_DPOP_SECRET', 'the secret for DPoP nonces could not be read');
      });
      held = { step, window };
      return window;
    },
  });
}

function importSecret(value: string): Promise<CryptoKey> {
  if (nonEmpty('secret', value).length < minSecretLength)
    throw new TypeError(`secret must have ${minSecretLength} characters or more`);
  const bytes = new TextEncoder().encode(value);
  return crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
}
