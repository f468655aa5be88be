import type { Seen } from './api.js';
import type { Gateway } from './world.js';

/** One line of the story. */
export type Say = (line: string) => void;

export interface Reply {
  readonly status: number;
  readonly challenge: string | null;
  readonly body: unknown;
}

/** Enough of a token to tell it from others. */
const shorten = (token: string) => (token.length > 12 ? `${token.slice(0, 10)}…` : token);

/** Sends a request without a word. */
export async function send(gateway: Gateway, path: string, token?: string): Promise<Reply> {
  const headers: Record<string, string> = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const response = await fetch(gateway.url + path, { headers });
  const text = await response.text();
  const isJson = response.headers.get('Content-Type')?.startsWith('application/json');
  return {
    status: response.status,
    challenge: response.headers.get('WWW-Authenticate'),
    body: isJson ? JSON.parse(text) : text,
  };
}

/** Sends a request and prints what was sent and what came back. */
export async function sendAloud(say: Say, gateway: Gateway, path: string, token?: string): Promise<Reply> {
  const credentials = token === undefined ? '(no Authorization)' : `Authorization: Bearer ${shorten(token)}`;
  say(`  ${gateway.name.padEnd(8)}→ GET ${path}  ${credentials}`);
  const reply = await send(gateway, path, token);
  say(
    `          ← ${reply.status}  ${reply.status === 200 ? summarize(reply.body as Seen) : (reply.challenge ?? JSON.stringify(reply.body))}`,
  );
  return reply;
}

function summarize({ claims, headers }: Seen): string {
  const { sub, client_id, scope } = claims;
  const at = headers.findIndex((name) => name.toLowerCase() === 'authorization');
  const told = [`sub ${sub}`, `client_id ${client_id}`, `scope "${scope}"`].join(', ');
  return `the API saw Authorization: ${headers[at + 1]?.slice(0, 16)}…  (${told})`;
}
