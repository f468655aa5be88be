import { Agent, type Dispatcher, EnvHttpProxyAgent, ProxyAgent, fetch as undiciFetch } from 'undici';
import type { Fetch } from './http-exchange.js';
import { count, mostTimerSeconds, nonEmpty, refuseUnknown, seconds } from './option-checks.js';

export type { CertificateFormat } from './client-certificate.js';
export { fileSecret } from './file-secret.js';
export { createNetworkTest, isNetwork } from './network-list.js';
export { type ProxyCertificateOptions, proxyCertificate } from './proxy-certificate.js';

type Pem = string | Uint8Array;

export interface CreateFetchOptions {
  /** How many connections to one origin are kept at most. Default 64. */
  readonly connections?: number;
  /** How long an idle connection is kept for the next request. Seconds, default 30. */
  readonly keepAliveSeconds?: number;
  /** How long connecting may take, TLS included. Seconds, default 2. */
  readonly connectTimeoutSeconds?: number;
  /** Certificate authorities, PEM, instead of those that Node trusts. */
  readonly ca?: Pem | readonly Pem[];
  /** The client certificate, PEM, for a server that asks for one (RFC 8705). Goes with `key`. */
  readonly cert?: Pem;
  /** The private key of `cert`, PEM. */
  readonly key?: Pem;
  /** The passphrase of `key`. */
  readonly passphrase?: string;
  /** The URL of an HTTP proxy, or `environment`: what HTTP_PROXY, HTTPS_PROXY and NO_PROXY say. Default: none. */
  readonly proxy?: string;
}

/** A `fetch` with connections of its own. */
export interface PooledFetch extends Fetch {
  /** Ends the idle connections, and the busy ones when they are done. */
  close(): Promise<void>;
}

const known: Record<keyof CreateFetchOptions, true> = {
  connections: true,
  keepAliveSeconds: true,
  connectTimeoutSeconds: true,
  ca: true,
  cert: true,
  key: true,
  passphrase: true,
  proxy: true,
};

/**
 * Makes a `fetch` for the `fetch` option, on undici: pooled connections, own certificate authorities, a client
 * certificate, a proxy. Make one and share it.
 * @throws {TypeError} naming the option that is unknown or wrong.
 */
export function createFetch(options: CreateFetchOptions = {}): PooledFetch {
  refuseUnknown('createFetch', options, known);
  const dispatcher = createDispatcher(options);
  // undici's own types of Request and Response are not the global ones, though they are alike
  const pooled = ((url, init) => undiciFetch(url, { ...(init as object), dispatcher })) as Fetch;
  return Object.assign(pooled, { close: () => dispatcher.close() });
}

function createDispatcher({ proxy, ...options }: CreateFetchOptions): Dispatcher {
  const { ca, cert, key, passphrase } = options;
  if ((cert === undefined) !== (key === undefined))
    throw new TypeError('cert and key must be given together');
  const milliseconds = (name: 'connectTimeoutSeconds' | 'keepAliveSeconds', fallback: number) =>
    seconds(name, options[name], fallback, { positive: true, most: mostTimerSeconds }) * 1000;
  const timeout = milliseconds('connectTimeoutSeconds', 2);
  const tls = {
    ...(ca !== undefined && { ca: readList('ca', ca) }),
    ...(cert !== undefined && { cert: readPem('cert', cert) }),
    ...(key !== undefined && { key: readPem('key', key) }),
    ...(passphrase !== undefined && { passphrase: nonEmpty('passphrase', passphrase) }),
  };
  const pool = {
    connections: count('connections', options.connections, 64, 1),
    keepAliveTimeout: milliseconds('keepAliveSeconds', 30),
    connect: { ...tls, timeout } as NonNullable<Agent.Options['connect']>,
  };
  if (proxy === undefined) return new Agent(pool);
  const tunnel = {
    ...pool,
    requestTls: { ...tls, timeout } as NonNullable<ProxyAgent.Options['requestTls']>,
  };
  if (proxy === 'environment') return new EnvHttpProxyAgent(tunnel);
  if (!URL.canParse(proxy)) throw new TypeError('proxy must be a URL or "environment"');
  return new ProxyAgent({ ...tunnel, uri: proxy });
}

// no authorities, or ones that are no PEM, would leave those that Node trusts
function readList(name: string, value: Pem | readonly Pem[]): Pem[] {
  const list = [value].flat();
  if (list.length === 0) throw new TypeError(`${name} must not be an empty list`);
  return list.map((member) => readPem(name, member));
}

function readPem(name: string, value: Pem): Pem {
  const isText = typeof value === 'string' || value instanceof Uint8Array;
  const text = isText ? Buffer.from(value as Uint8Array).toString('latin1') : '';
  if (text.includes('-----BEGIN ')) return value;
  throw new TypeError(`${name} must be PEM, as text or bytes`);
}
