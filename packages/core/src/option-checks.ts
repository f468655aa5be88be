/** The checks that every options object goes through once, when a thing is created. Each throws a TypeError naming the option. */

export function refuseUnknown(
  owner: string,
  options: object,
  known: Readonly<Record<string, unknown>>,
): void {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`${owner}: options must be an object`);
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(known, name)) {
      throw new TypeError(`${owner}: unknown option "${name}"; known are ${Object.keys(known).join(', ')}`);
    }
  }
}

/** What a timer takes; a longer time would be over at once. Seconds. */
export const mostTimerSeconds = 2_147_483;

export function seconds(
  name: string,
  value: unknown,
  fallback: number,
  { positive = false, most = Number.MAX_VALUE } = {},
): number {
  if (value === undefined) return fallback;
  if (typeof value === 'number' && (positive ? value > 0 : value >= 0) && value <= most) return value;
  const end = most === Number.MAX_VALUE ? '' : `, ${most} or less`;
  throw new TypeError(
    `${name} must be a number of seconds, ${positive ? 'greater than 0' : '0 or more'}${end}`,
  );
}

export function count(name: string, value: unknown, fallback: number, least: number): number {
  if (value === undefined) return fallback;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least) return value;
  throw new TypeError(`${name} must be a whole number, ${least} or more`);
}

export function flag(name: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (typeof value === 'boolean') return value;
  throw new TypeError(`${name} must be true or false`);
}

export function nonEmpty(name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '' && value.isWellFormed()) return value;
  throw new TypeError(`${name} must be a string that is not empty`);
}

export function nonEmptyList(name: string, value: unknown): readonly string[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw new TypeError(`${name} must be a list of strings that is not empty`);
  }
  return Object.freeze(value.map((member) => nonEmpty(name, member)));
}

export function callable<F>(name: string, value: F): F {
  if (typeof value === 'function') return value;
  throw new TypeError(`${name} must be a function`);
}

const loopback = /^(?:localhost|.+\.localhost|127(?:\.\d+){3}|\[::1\])$/;

/** An absolute `https:` URL without credentials or fragment; `http:` only to loopback, or where that was asked for. */
export function endpoint(name: string, value: unknown, allowInsecureRequests: boolean): string {
  const text = nonEmpty(name, value instanceof URL ? value.href : value);
  if (!URL.canParse(text)) throw new TypeError(`${name} must be an absolute URL`);
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') throw new TypeError(`${name} must not contain credentials`);
  if (url.hash !== '') throw new TypeError(`${name} must not have a fragment`);
  if (url.protocol === 'https:') return text;
  if (url.protocol === 'http:' && (allowInsecureRequests || loopback.test(url.hostname))) return text;
  throw new TypeError(`${name} must be an https: URL; http: needs a loopback host or allowInsecureRequests`);
}
