import { goodClaims, type Payload, signJwt } from './jwt-samples.js';
import type { Answer, RecordedRequest } from './scripted-server.js';

/** A header set to `undefined` is left out, even where the answer has it by default. */
export type AnswerHeaders = Readonly<Record<string, string | undefined>>;

/** A function is called for every answer, so that what must be signed is signed when needed. */
export type AnswerBody = string | Uint8Array | (() => Promise<string | Uint8Array>);

/** An orderly answer with exactly these headers, and the body's Content-Length. */
export function reply(status: number, headers: AnswerHeaders, body: AnswerBody = ''): Answer {
  return async (connection) => {
    const bytes = await readBody(body);
    const length = status === 204 || status === 304 ? undefined : String(bytes.length);
    const head = formatHead(status, { 'Content-Length': length, ...headers });
    await connection.write(Buffer.concat([Buffer.from(head, 'latin1'), bytes]));
  };
}

/** An answer without a body. */
export const status = (code: number, headers: AnswerHeaders = {}): Answer => reply(code, headers);

/** How a token is called inactive in answer to `Accept: application/jwt`. */
export const noContent = (headers: AnswerHeaders = {}): Answer => status(204, headers);

/** A JSON answer; a string is sent as it is. */
export const json = (value: unknown, headers: AnswerHeaders = {}): Answer =>
  reply(200, { ...jsonType, ...headers }, typeof value === 'string' ? value : JSON.stringify(value));

/** A bare JWT with these claims, signed with the sample key. */
export const jwt = (payload: Payload = goodClaims, headers: AnswerHeaders = {}): Answer =>
  reply(200, { ...jwtType, ...headers }, signed(payload));

/** A JSON answer with `active: true`, these members, and a JWT with these claims in `phantom_token`. */
export const activeJson = (
  members: Readonly<Record<string, unknown>> = {},
  payload: Payload = goodClaims,
  headers: AnswerHeaders = {},
): Answer =>
  reply(200, { ...jsonType, ...headers }, async () =>
    JSON.stringify({ active: true, phantom_token: await signJwt(payload), ...members }),
  );

/** One after the other; the last one stays. */
export function inTurn(...answers: readonly [Answer, ...Answer[]]): Answer {
  const last = answers[answers.length - 1] ?? answers[0];
  return (connection, request) => (answers[request.turn] ?? last)(connection, request);
}

/** An answer that depends on the request. */
export const choose =
  (answerTo: (request: RecordedRequest) => Answer): Answer =>
  (connection, request) =>
    answerTo(request)(connection, request);

export const jwtType = { 'Content-Type': 'application/jwt' } as const;
export const jsonType = { 'Content-Type': 'application/json' } as const;

/** The body of a JWT with these claims. */
export const signed =
  (payload: Payload = goodClaims, header?: Readonly<Record<string, unknown>>) =>
  () =>
    signJwt(payload, header);

export async function readBody(body: AnswerBody): Promise<Buffer> {
  return Buffer.from(typeof body === 'function' ? await body() : body);
}

/** Status line and headers, with the empty line after them. */
export function formatHead(status: number, headers: AnswerHeaders): string {
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}\r\n`],
  );
  return `HTTP/1.1 ${status} Scripted\r\n${lines.join('')}\r\n`;
}
