import { IntrospectionError } from './errors.js';
import { callable } from './option-checks.js';
import { fetchDecodes, fetchRepeats } from './runtime.js';

/** The part of Fetch that is used; the global one, or that of `@phantom-token/core/node`. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** The `fetch` option. Default: the global one, as it is when it is called. */
export const readFetch = (value: Fetch | undefined): Fetch =>
  value === undefined ? (url, init) => fetch(url, init) : callable('fetch', value);

export interface HttpRequest {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly headers: Headers;
  readonly body?: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Decoded UTF-8; empty unless the status is 200. */
  readonly body: string;
}

export interface HttpExchangeOptions {
  readonly fetch: Fetch;
  readonly signal: AbortSignal;
  /** Cap on the decoded body, in bytes. */
  readonly maxResponseBytes: number;
}

/**
 * One request and its whole answer: no redirects, a capped body, and a second try only where the connection died
 * before an answer began. The request is built anew for the second try.
 * @throws {IntrospectionError} ERR_UNREACHABLE, ERR_INCOMPLETE, ERR_TOO_LARGE or ERR_MALFORMED.
 */
export async function exchangeHttp(
  build: () => HttpRequest | Promise<HttpRequest>,
  options: HttpExchangeOptions,
): Promise<HttpAnswer> {
  const send = async () => {
    const { url, ...init } = await build();
    // an encoding would only hide the size of what is to come
    init.headers.set('Accept-Encoding', 'identity');
    return options.fetch(url, { ...init, redirect: 'manual', signal: options.signal });
  };
  let response: Response;
  try {
    response = await send().catch((error) => {
      if (options.signal.aborted || fetchRepeats() || !connectionDied(error)) throw error;
      return send();
    });
  } catch (error) {
    if (error instanceof IntrospectionError) throw error;
    const reason = codeOf(error) ?? 'no answer';
    throw new IntrospectionError(
      'ERR_UNREACHABLE',
      `the authorization server could not be reached (${reason})`,
    );
  }
  return { status: response.status, headers: response.headers, body: await readBody(response, options) };
}

const deathOfConnection =
  /\b(?:ECONNRESET|EPIPE|UND_ERR_SOCKET|ConnectionClosed)\b|connection (?:was )?(?:closed|reset|lost|error)/i;

// the innermost code; messages may quote what was sent
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  return codeOf(cause) ?? (typeof code === 'string' && /^\w+$/.test(code) ? code : undefined);
}

// every runtime words it differently; a POST that introspects may be repeated without harm
function connectionDied(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  return deathOfConnection.test(`${code} ${error.message}`) || connectionDied(cause);
}

async function readBody(
  { body, headers, status }: Response,
  { maxResponseBytes }: HttpExchangeOptions,
): Promise<string> {
  if (body === null) return '';
  if (status !== 200) {
    await body.cancel().catch(() => {});
    return '';
  }
  const codings = (headers.get('Content-Encoding') ?? 'identity').toLowerCase();
  if (codings.includes(',')) {
    await body.cancel().catch(() => {});
    throw new IntrospectionError(
      'ERR_MALFORMED',
      "the authorization server's answer is encoded more than once",
    );
  }
  const bytes = await readCapped(body, maxResponseBytes);
  return decode(
    codings === 'gzip' && !fetchDecodes() ? await readCapped(gunzip(bytes), maxResponseBytes) : bytes,
  );
}

const gunzip = (bytes: Uint8Array<ArrayBuffer>) =>
  new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));

async function readCapped(
  stream: ReadableStream<Uint8Array>,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw new IntrospectionError('ERR_INCOMPLETE', "the authorization server's answer broke off");
    });
    if (done) return concatenate(chunks, size);
    size += value.byteLength;
    if (size > maxBytes) {
      await reader.cancel().catch(() => {});
      throw new IntrospectionError(
        'ERR_TOO_LARGE',
        `the authorization server's answer exceeds ${maxBytes} bytes`,
      );
    }
    chunks.push(value);
  }
}

function concatenate(chunks: readonly Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    all.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return all;
}

function decode(bytes: Uint8Array): string {
  try {
    // fatal: what is not UTF-8 is not an answer; ignoreBOM: nothing is trimmed
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new IntrospectionError('ERR_MALFORMED', "the authorization server's answer is not UTF-8");
  }
}
