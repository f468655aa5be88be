import type { ConnectionOptions } from 'node:tls';
import { refuseUnknown } from './option-checks.js';

type Pem = string | Uint8Array;

/** For TLS. Certificates and keys are PEM. */
export interface RedisTls {
  /** Certificate authorities instead of those that the runtime trusts. */
  readonly ca?: Pem | readonly Pem[];
  /** The client certificate; goes with `key`. */
  readonly cert?: Pem;
  readonly key?: Pem;
  readonly passphrase?: string;
  /** The name in the servers' certificates, where they are reached by another. */
  readonly servername?: string;
}

const known: Record<keyof RedisTls, true> = {
  ca: true,
  cert: true,
  key: true,
  passphrase: true,
  servername: true,
};

/** What the driver is given; `undefined` for no TLS. Certificates are always checked. */
export function readTls(option: unknown, isTls: boolean | undefined): ConnectionOptions | undefined {
  if (option === undefined) return isTls ? {} : undefined;
  if (option === false) {
    if (isTls) throw new TypeError('tls must not be false with a rediss: URL');
    return undefined;
  }
  if (option === true) return {};
  refuseUnknown('tls', option as object, known);
  const tls = option as RedisTls;
  if ((tls.cert === undefined) !== (tls.key === undefined))
    throw new TypeError('tls.cert and tls.key must be given together');
  return tls as ConnectionOptions;
}
