// what runtimes do differently where it matters; told by the user agent, the one name that all of them have

const isNamed = (name: string) => globalThis.navigator?.userAgent?.startsWith(name) === true;

/** Cloudflare Workers forbid one request to await I/O that another started. */
export const requestsShareIo = () => !isNamed('Cloudflare-Workers');

/** Deno itself repeats a request whose connection died before an answer began. */
export const fetchRepeats = () => isNamed('Deno/');

/** Deno leaves decoding to whoever sets Accept-Encoding. */
export const fetchDecodes = () => !isNamed('Deno/');

/** Once all was read that had arrived by now, where the runtime can say: a timer that comes late comes before that. */
export function afterReading(work: () => void): void {
  const { setImmediate } = globalThis as { setImmediate?: (work: () => void) => void };
  if (setImmediate === undefined) setTimeout(work, 0);
  else setImmediate(work);
}
