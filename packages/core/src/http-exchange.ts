import { IntrospectionError } from './errors.js';

/** The part of Fetch that is used; the global one, or that of `@phantom-token/core/node`. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

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
    return options.fetch(url, { ...init, redirect: 'manual', signal: options.signal });
  };
  let response: Response;
  try {
    response = await send().catch((error) => {
      if (options.signal.aborted || !connectionDied(error)) throw error;
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

async function readBody(response: Response, { maxResponseBytes }: HttpExchangeOptions): Promise<string> {
  if (response.body === null) return '';
  if (response.status !== 200) {
    await response.body.cancel().catch(() => {});
    return '';
  }
  // fatal: what is not UTF-8 is not an answer; ignoreBOM: nothing is trimmed
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const reader = response.body.getReader();
  let text = '';
  let size = 0;
  for (;;) {
    const chunk = await reader.read().catch(() => {
      throw new IntrospectionError('ERR_INCOMPLETE', "the authorization server's answer broke off");
    });
    size += chunk.value?.byteLength ?? 0;
    if (size > maxResponseBytes) {
      await reader.cancel().catch(() => {});
      throw new IntrospectionError(
        'ERR_TOO_LARGE',
        `the authorization server's answer exceeds ${maxResponseBytes} bytes`,
      );
    }
    text += decode(decoder, chunk.value);
    if (chunk.done) return text;
  }
}

function decode(decoder: TextDecoder, bytes: Uint8Array | undefined): string {
  try {
    return decoder.decode(bytes, { stream: bytes !== undefined });
  } catch {
    throw new IntrospectionError('ERR_MALFORMED', "the authorization server's answer is not UTF-8");
  }
}
