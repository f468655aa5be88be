import { createServer, type IncomingMessage } from 'node:http';
import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose';
import { type Listening, listen } from './listening.js';

/** What the API tells of a request that it took. */
export interface Seen {
  readonly claims: JWTPayload;
  /** Names and values in turn, as they came. */
  readonly headers: readonly string[];
}

export interface Api extends Listening {
  /** How many requests have reached it, taken or not. */
  requests(): number;
}

export interface ApiOptions {
  readonly issuer: string;
  readonly jwksUri: string;
  readonly audience?: string;
  readonly typ: readonly string[];
}

/** An API that knows nothing of opaque tokens: it takes JWTs that verify, and refuses all else. */
export async function startApi({ jwksUri, typ, ...expected }: ApiOptions): Promise<Api> {
  const keys = createRemoteJWKSet(new URL(jwksUri), { timeoutDuration: 60_000 });
  let requests = 0;

  async function judge(request: IncomingMessage): Promise<Seen> {
    const jwt = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    const { payload, protectedHeader } = await jwtVerify(jwt, keys, expected);
    if (!typ.includes(protectedHeader.typ ?? '')) throw new Error('this is not an access token');
    return { claims: payload, headers: request.rawHeaders };
  }

  const server = createServer(async (request, response) => {
    requests++;
    const [status, body] = await judge(request).then(
      (seen) => [200, seen],
      (error: Error) => [401, { error: error.message }],
    );
    response.writeHead(status as number, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
  });
  return { ...(await listen(server)), requests: () => requests };
}
