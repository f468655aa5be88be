import { goodClaims, type Payload, signJwt } from './jwt-samples.js';
import type { Answer, RecordedRequest } from './scripted-server.js';

/** A header set to `undefined` is left out, even where the answer has it by default. */
export type AnswerHeaders = Readonly<Record<string, string | undefined>>;

/** An orderly answer with exactly these headers, and the body's Content-Length. */
export function reply(status: number, headers: AnswerHeaders, body: string | Uint8Array = ''): Answer {
  const bytes = Buffer.from(body);
  const length = status === 204 || status === 304 ? undefined : String(bytes.length);
  const head = formatHead(status, { 'Content-Length': length, ...headers });
  return (connection) => connection.write(Buffer.concat([Buffer.from(head, 'latin1'), bytes]));
}

/** An answer without a body. */
export const status = (code: number, headers: AnswerHeaders = {}): Answer => reply(code, headers);

/** How a token is called inactive in answer to `Accept: application/jwt`. */
export const noContent = (): Answer => status(204);

/** A JSON answer; a string is sent as it is. */
export function json(value: unknown, headers: AnswerHeaders = {}): Answer {
  const body = typeof value === 'string' ? value : JSON.stringify(value);
  return reply(200, { 'Content-Type': 'application/json', ...headers }, body);
}

/** A bare JWT with these claims, signed with the sample key; a string is sent as it is. */
export function jwt(payload: Payload = goodClaims, headers: AnswerHeaders = {}): Answer {
  return async (connection, request) => {
    const body = typeof payload === 'string' ? payload : await signJwt(payload);
    await reply(200, { 'Content-Type': 'application/jwt', ...headers }, body)(connection, request);
  };
}

/** A JSON answer with `active: true`, these members, and a JWT with these claims in `phantom_token`. */
export function activeJson(
  members: Readonly<Record<string, unknown>> = {},
  payload: Payload = goodClaims,
  headers: AnswerHeaders = {},
): Answer {
  return async (connection, request) => {
    const answer = json({ active: true, phantom_token: await signJwt(payload), ...members }, headers);
    await answer(connection, request);
  };
}

/** One after the other; the last one stays. */
export function inTurn(...answers: readonly [Answer, ...Answer[]]): Answer {
  let turn = 0;
  return (connection, request) => {
    const answer = answers[Math.min(turn++, answers.length - 1)] ?? answers[0];
    return answer(connection, request);
  };
}

/** An answer that depends on the request. */
export const choose =
  (answerTo: (request: RecordedRequest) => Answer): Answer =>
  (connection, request) =>
    answerTo(request)(connection, request);

/** Status line and headers, with the empty line after them. */
export function formatHead(status: number, headers: AnswerHeaders): string {
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}\r\n`],
  );
  return `HTTP/1.1 ${status} Scripted\r\n${lines.join('')}\r\n`;
}
