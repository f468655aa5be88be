import { BlockList, isIP } from 'node:net';

export interface ForwarderOptions {
  /** Where requests go: an `http:` or `https:` URL. Its path is prepended to theirs. */
  readonly upstream: string | URL;
  /**
   * Addresses and networks (CIDR) whose `Forwarded` and `X-Forwarded-*` are believed and continued; everybody else's are
   * replaced. Default none.
   */
  readonly trustedProxies?: readonly string[];
  /**
   * Fields that clients must not set, in any spelling: case, `_`, `.` and `-` are folded. Default none.
   */
  readonly reservedHeaders?: readonly string[];
  /** Whether the upstream sees the Host that the client named; otherwise it sees its own. Default false. */
  readonly preserveHost?: boolean;
  /** How long connecting may take. Default 5 seconds. */
  readonly connectTimeoutSeconds?: number;
  /** How long the upstream may take to begin its answer, once it has the request. Default 30 seconds; 0 for ever. */
  readonly timeoutSeconds?: number;
  /** How long a body may stand still, either way. Default 300 seconds; 0 for ever. */
  readonly idleTimeoutSeconds?: number;
  /** How many connections to the upstream there may be at once; further requests wait. Default 256. */
  readonly maxConnections?: number;
  /** The largest request body. Bytes. Default no limit. */
  readonly maxRequestBytes?: number;
  /** PEM of the authorities that may vouch for an `https:` upstream. Default Node's own. */
  readonly ca?: string | readonly string[];
}

export interface ResolvedForwarderOptions {
  readonly origin: string;
  /** Without a slash at its end. */
  readonly pathPrefix: string;
  readonly isTrusted: (address: string | undefined) => boolean;
  /** Folded. */
  readonly reserved: ReadonlySet<string>;
  readonly preserveHost: boolean;
  readonly connectTimeoutSeconds: number;
  readonly timeoutSeconds: number;
  readonly idleTimeoutSeconds: number;
  readonly maxConnections: number;
  readonly maxRequestBytes: number;
  readonly ca: string | readonly string[] | undefined;
}

const known: Record<keyof ForwarderOptions, true> = {
  upstream: true,
  trustedProxies: true,
  reservedHeaders: true,
  preserveHost: true,
  connectTimeoutSeconds: true,
  timeoutSeconds: true,
  idleTimeoutSeconds: true,
  maxConnections: true,
  maxRequestBytes: true,
  ca: true,
};

/** @throws {TypeError} naming the option that is unknown, missing or wrong. */
export function resolveForwarderOptions(options: ForwarderOptions): ResolvedForwarderOptions {
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(known, name))
      throw new TypeError(`unknown option "${name}"; known are ${Object.keys(known).join(', ')}`);
  }
  const url = readUpstream(options.upstream);
  return {
    origin: url.origin,
    pathPrefix: url.pathname.replace(/\/$/, ''),
    isTrusted: createTrust(options.trustedProxies ?? []),
    reserved: new Set((options.reservedHeaders ?? []).map(foldName)),
    preserveHost: options.preserveHost ?? false,
    connectTimeoutSeconds: seconds('connectTimeoutSeconds', options.connectTimeoutSeconds, 5),
    timeoutSeconds: seconds('timeoutSeconds', options.timeoutSeconds, 30),
    idleTimeoutSeconds: seconds('idleTimeoutSeconds', options.idleTimeoutSeconds, 300),
    maxConnections: count('maxConnections', options.maxConnections, 256),
    maxRequestBytes: count('maxRequestBytes', options.maxRequestBytes, Number.MAX_SAFE_INTEGER),
    ca: options.ca,
  };
}

/** One name for every spelling that some upstream takes for the same field. */
export const foldName = (name: string) => name.toLowerCase().replace(/[_.]/g, '-');

function readUpstream(value: string | URL | undefined): URL {
  const text = String(value);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new TypeError('upstream must be an absolute http: or https: URL');
  if (url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '')
    throw new TypeError('upstream must not have a query, a fragment or credentials');
  return url;
}

function createTrust(networks: readonly string[]): (address: string | undefined) => boolean {
  if (networks.length === 0) return () => false;
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits, ...rest] = network.split('/');
    const family = isIP(address);
    const most = family === 4 ? 32 : 128;
    const isWhole = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most);
    if (family === 0 || !isWhole || rest.length > 0)
      throw new TypeError(
        `trustedProxies must be addresses or networks such as 10.0.0.0/8, not "${network}"`,
      );
    list.addSubnet(address, bits === undefined ? most : Number(bits), family === 4 ? 'ipv4' : 'ipv6');
  }
  return (address) => address !== undefined && list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/** What a timer takes; a longer time would be over at once. Seconds. */
const mostTimerSeconds = 2_147_483;

function seconds(name: string, value: number | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value === 'number' && value >= 0 && value <= mostTimerSeconds) return value;
  throw new TypeError(`${name} must be a number of seconds, 0 or more, ${mostTimerSeconds} or less`);
}

function count(name: string, value: number | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new TypeError(`${name} must be a whole number, 1 or more`);
}
