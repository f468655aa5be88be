/** The checks that every options object goes through once. Each throws a TypeError naming the option. */

export function refuseUnknown(
  owner: string,
  options: object,
  known: Readonly<Record<string, unknown>>,
): void {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`${owner}: options must be an object`);
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(known, name))
      throw new TypeError(`${owner}: unknown option "${name}"; known are ${Object.keys(known).join(', ')}`);
  }
}

export function text(name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw new TypeError(`${name} must be a string`);
}

/** What a timer takes; a longer time would be over at once. Seconds. */
const mostTimerSeconds = 2_147_483;

export function positiveSeconds(name: string, value: unknown): number {
  if (typeof value === 'number' && value > 0 && value <= mostTimerSeconds) return value;
  throw new TypeError(`${name} must be a number of seconds, greater than 0, ${mostTimerSeconds} or less`);
}

export function wholeNumber(name: string, value: unknown, least: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least) return value;
  throw new TypeError(`${name} must be a whole number, ${least} or more`);
}

export function nonEmpty(name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new TypeError(`${name} must be a string that is not empty`);
}

export function optionalFunction<F>(name: string, value: F | undefined): F | undefined {
  if (value === undefined || typeof value === 'function') return value;
  throw new TypeError(`${name} must be a function`);
}
