import {
  choose,
  jwtType,
  noContent,
  type RecordedRequest,
  reply,
  signJwt,
  startScriptedServer,
} from '@phantom-token/conformance';
import type { Owned } from './owned.js';

/** An authorization server that knows what it said of every token, and how often it was asked. */
export interface Authority extends Owned {
  readonly endpoint: string;
  /** The `sub` of an active token; nothing of an inactive one. */
  subjectOf(token: string): string | undefined;
  /** From now on the token is inactive. */
  revoke(token: string): void;
  /** How often it was asked about this token. */
  introspectionsOf(token: string): number;
  /** How often it was asked, about all tokens. */
  readonly introspections: number;
  /** How often it was asked about the token that it was asked about most. */
  readonly mostIntrospections: number;
  /** Counts from 0 again. */
  forgetCounts(): void;
}

export interface AuthorityOptions {
  /** Tells apart what two servers say of one token. */
  readonly name?: string;
  /** The tokens' lifetime. Seconds, default 3600. */
  readonly lifetimeSeconds?: number;
  readonly now?: () => number;
}

/** Tokens whose name begins so were never active. */
const unknownPrefix = 'unknown-';

/** Says of every token that it is active, unless its name begins with `unknown-` or it was revoked. */
export async function startAuthority(options: AuthorityOptions = {}): Promise<Authority> {
  const { name = 'one', lifetimeSeconds = 3600, now = () => Date.now() / 1000 } = options;
  const server = await startScriptedServer();
  const revoked = new Set<string>();
  const bodies = new Map<string, Promise<string>>();
  const startedAt = Math.floor(now());
  let counts = new Map<string, number>();
  let total = 0;

  const subjectOf = (token: string) =>
    token.startsWith(unknownPrefix) || revoked.has(token) ? undefined : `${name}:owner of ${token}`;

  // a signature costs more than all else that this server does
  const jwtOf = (token: string, sub: string) => {
    const made = bodies.get(token) ?? signJwt({ sub, iat: startedAt, exp: startedAt + lifetimeSeconds });
    bodies.set(token, made);
    return made;
  };

  const answer = (token: string) => {
    total++;
    counts.set(token, (counts.get(token) ?? 0) + 1);
    const sub = subjectOf(token);
    const isOver = now() >= startedAt + lifetimeSeconds;
    return sub === undefined || isOver ? noContent() : reply(200, jwtType, () => jwtOf(token, sub));
  };
  server.answer(choose(({ form }: RecordedRequest) => answer(form.get('token') ?? '')));

  return {
    endpoint: server.endpoint,
    subjectOf,
    revoke: (token) => void revoked.add(token),
    introspectionsOf: (token) => counts.get(token) ?? 0,
    get introspections() {
      return total;
    },
    get mostIntrospections() {
      return Math.max(0, ...counts.values());
    },
    forgetCounts() {
      counts = new Map();
      total = 0;
    },
    end: () => server.close(),
  };
}
