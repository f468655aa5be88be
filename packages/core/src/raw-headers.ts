import type { JwtAccessToken } from './access-token.js';

// Node keeps only the first of several Authorization fields in `headers`; `rawHeaders`, names and values in turn, has all

/** Every Authorization field in Node's `rawHeaders`: one, several, or `undefined`. */
export function readAuthorization(rawHeaders: readonly string[]): string | readonly string[] | undefined {
  let found: string | string[] | undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (!isAuthorization(rawHeaders[index])) continue;
    const value = rawHeaders[index + 1] ?? '';
    if (found === undefined) found = value;
    else found = typeof found === 'string' ? [found, value] : [...found, value];
  }
  return found;
}

/** Puts `Bearer <JWT>` where the presented token stood, so that nothing behind can forward the latter. */
export function replaceAuthorization(
  message: {
    readonly rawHeaders: string[];
    readonly headers: Record<string, string | string[] | undefined>;
  },
  { authorization }: JwtAccessToken,
): void {
  const { rawHeaders, headers } = message;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (isAuthorization(rawHeaders[index])) rawHeaders[index + 1] = authorization;
  }
  headers.authorization = authorization;
}

const isAuthorization = (name: string | undefined) =>
  name?.length === 13 && name.toLowerCase() === 'authorization';
