// what runtimes do differently where it matters; told by the user agent, the one name that all of them have

const isNamed = (name: string) => globalThis.navigator?.userAgent?.startsWith(name) === true;

/** Cloudflare Workers forbid one request to await I/O that another started. */
export const requestsShareIo = () => !isNamed('Cloudflare-Workers');

/** Deno itself repeats a request whose connection died before an answer began. */
export const fetchRepeats = () => isNamed('Deno/');

/** Deno leaves decoding to whoever sets Accept-Encoding. */
export const fetchDecodes = () => !isNamed('Deno/');
