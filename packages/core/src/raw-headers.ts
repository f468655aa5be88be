import type { JwtAccessToken } from './access-token.js';

// Node keeps only the first of several Authorization fields in `headers`; `rawHeaders`, names and values in turn, has all

/** Every value of a field in Node's `rawHeaders`: one, several, or `undefined`. The name is in lower case. */
export function readFields(
  rawHeaders: readonly string[],
  name: string,
): string | readonly string[] | undefined {
  let found: string | string[] | undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (!isNamed(rawHeaders[index], name)) continue;
    const value = rawHeaders[index + 1] ?? '';
    if (found === undefined) found = value;
    else found = typeof found === 'string' ? [found, value] : [...found, value];
  }
  return found;
}

/** The header fields of a message of Node's HTTP server, in all forms that it has. */
export interface NodeHeaders {
  readonly rawHeaders: string[];
  readonly headers: Record<string, string | string[] | undefined>;
  readonly headersDistinct?: Record<string, string[] | undefined>;
}

/** Where Node keeps `headersDistinct` once somebody has looked at it. */
let distinctKey: symbol | undefined;

/** `headersDistinct` where it is there: looking at it would make it, which few ever need. */
function madeDistinct(message: NodeHeaders): NodeHeaders['headersDistinct'] {
  distinctKey ??= findDistinctKey(message);
  if (distinctKey === undefined) return undefined;
  const { [distinctKey]: made } = message as unknown as Record<symbol, NodeHeaders['headersDistinct']>;
  return made ?? undefined;
}

/** Makes it for one message, to see where it goes. HTTP/2's messages never have it. */
function findDistinctKey(message: NodeHeaders): symbol | undefined {
  const made = message.headersDistinct;
  if (made === undefined) return undefined;
  return Object.getOwnPropertySymbols(message).find((key) => Reflect.get(message, key) === made);
}

/**
 * Puts `Bearer <JWT>` where the presented token stood, so that nothing behind can forward the latter, and takes out the
 * proof that belonged to it.
 */
export function replaceAuthorization(message: NodeHeaders, { authorization }: JwtAccessToken): void {
  const { rawHeaders, headers } = message;
  let hasProof = false;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (isNamed(rawHeaders[index], 'authorization')) rawHeaders[index + 1] = authorization;
    else if (isNamed(rawHeaders[index], 'dpop')) hasProof = true;
  }
  headers.authorization = authorization;
  const distinct = madeDistinct(message);
  if (distinct !== undefined) distinct.authorization = [authorization];
  if (hasProof) removeFields(message, (name) => isNamed(name, 'dpop'));
}

/** Takes out the fields with such names. */
export function removeFields(message: NodeHeaders, isUnwanted: (name: string) => boolean): void {
  // before the raw ones: Node makes these from those when they are first looked at, and knows how many they were
  const { headers, headersDistinct = {}, rawHeaders } = message;
  for (const fields of [headers, headersDistinct])
    for (const name of Object.keys(fields)) if (isUnwanted(name)) delete fields[name];
  for (let index = rawHeaders.length - 2; index >= 0; index -= 2) {
    if (isUnwanted(rawHeaders[index] ?? '')) rawHeaders.splice(index, 2);
  }
}

const isNamed = (name: string | undefined, wanted: string) =>
  name?.length === wanted.length && name.toLowerCase() === wanted;
