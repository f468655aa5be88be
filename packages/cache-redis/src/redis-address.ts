/** A server: `redis://host:port`, or `rediss://host:port` for TLS, or a host and a port. */
export type RedisAddress = string | { readonly host: string; readonly port?: number };

export interface ReadAddress {
  readonly host: string;
  readonly port: number | undefined;
  /** `undefined` where the address does not say. */
  readonly isTls: boolean | undefined;
}

/** What a URL says of a connection beside where it leads to. */
export interface ReadUrl extends ReadAddress {
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly db: number | undefined;
}

/** @throws {TypeError} that names the option and quotes nothing of the URL, since there may be a password in it. */
export function readUrl(name: string, value: unknown): ReadUrl {
  const text = value instanceof URL ? value.href : value;
  if (typeof text !== 'string' || !/^rediss?:\/\/./.test(text) || !URL.canParse(text))
    throw new TypeError(`${name} must be a redis: or rediss: URL`);
  const url = new URL(text);
  if (url.hostname === '') throw new TypeError(`${name} must have a host`);
  if (url.search !== '' || url.hash !== '')
    throw new TypeError(`${name} must have neither a query nor a fragment`);
  const db = /^\/?(\d{0,5})$/.exec(url.pathname)?.[1];
  if (db === undefined) throw new TypeError(`${name} must have no path but the number of a database`);
  return {
    // IPv6 addresses stand in brackets only there
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? undefined : Number(url.port),
    isTls: url.protocol === 'rediss:',
    username: decoded(name, url.username),
    password: decoded(name, url.password),
    db: db === '' ? undefined : Number(db),
  };
}

function decoded(name: string, text: string): string | undefined {
  try {
    return text === '' ? undefined : decodeURIComponent(text);
  } catch {
    throw new TypeError(`${name}: the credentials in it must be percent-encoded`);
  }
}

export function readAddresses(name: string, value: unknown): readonly ReadAddress[] {
  if (!Array.isArray(value) || value.length === 0)
    throw new TypeError(`${name} must be a list of servers that is not empty`);
  const addresses = value.map((it) => readAddress(`${name}: a server`, it));
  if (new Set(addresses.map(({ isTls }) => isTls)).size > 1)
    throw new TypeError(`${name} must all be redis: URLs, or all rediss: URLs, or all { host, port }`);
  return addresses;
}

function readAddress(name: string, value: unknown): ReadAddress {
  if (typeof value === 'string') {
    const { host, port, isTls, username, password, db } = readUrl(name, value);
    if (username !== undefined || password !== undefined)
      throw new TypeError(`${name} must not contain credentials; username and password are options`);
    if (db !== undefined) throw new TypeError(`${name} must not name a database`);
    return { host, port, isTls };
  }
  const { host, port } = (value ?? {}) as { host?: unknown; port?: unknown };
  if (typeof host !== 'string' || host === '')
    throw new TypeError(`${name} must be a redis: or rediss: URL, or { host, port }`);
  if (port !== undefined && !(Number.isInteger(port) && (port as number) > 0 && (port as number) < 65_536))
    throw new TypeError(`${name} must have a port from 1 to 65535`);
  return { host, port: port as number | undefined, isTls: undefined };
}
