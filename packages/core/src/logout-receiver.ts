import { createCacheKey } from './cache-key.js';
import type { PhantomTokenClient } from './client.js';
import {
  createLogoutTokenReader,
  type Logout,
  LogoutRefusal,
  type LogoutTokenOptions,
  logoutTokenOptions,
} from './logout-token.js';
import { callable, flag, refuseUnknown } from './option-checks.js';
import { memoryReplayStore, type ReplayStore } from './replay-store.js';

/** What a logout is passed on to. */
export type LogoutTarget = Pick<PhantomTokenClient, 'revokeBySubject' | 'revokeBySession'>;

export interface LogoutReceiverOptions extends LogoutTokenOptions {
  /** The client, or all clients of this process, that ask this issuer about tokens. */
  readonly client: LogoutTarget | readonly LogoutTarget[];
  /**
   * Where logout tokens that are done with are remembered, so that one which comes again is refused; one of
   * `redisReplayStore` is shared by instances. A store that fails refuses none. Default: `memoryReplayStore()`.
   */
  readonly replayStore?: ReplayStore;
  /**
   * Whether a logout that names both a session and a subject ends all tokens of the subject. For servers whose answers
   * about tokens have no `sid`: by the session alone nothing would be found then. Default false.
   */
  readonly wholeSubject?: boolean;
  /** The clock, as a NumericDate. Default: the system's. */
  readonly now?: () => number;
}

/** An answer to the server, ready to be written. The body is empty, or JSON text with `error` and `error_description`. */
export interface LogoutAnswer {
  readonly status: 200 | 400 | 503;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What stands behind our `backchannel_logout_uri`. Made by `logoutReceiver`. */
export interface LogoutReceiver {
  /**
   * Takes a POST request: its body as text, of at most 16384 characters, and its Content-Type. Never rejects.
   * @returns 200 when it is done. 400 when the logout token is not to be believed, or was done with before. 503 when the
   * issuer's keys were not to be had, or when not all instances could be told: the server may send it again then, to any
   * instance. This one has revoked the tokens all the same where it could believe the logout token.
   */
  receive(body: string, contentType: string | null | undefined): Promise<LogoutAnswer>;
}

const known: Record<keyof LogoutReceiverOptions, true> = {
  ...logoutTokenOptions,
  client: true,
  replayStore: true,
  wholeSubject: true,
  now: true,
};

const maxBodyLength = 16_384;
const formType = 'application/x-www-form-urlencoded';
/** How many logout tokens that were taken are refused without revoking once more. */
const maxTaken = 1000;

/**
 * Makes logouts at the authorization server into revocations here (OpenID Connect Back-Channel Logout 1.0 §2.5 to §2.8):
 * of the session that the logout token names or, where it names none, of all tokens of its subject. Instances that share
 * `revocations` hear of it, so the server need tell only one of them. Encrypted logout tokens are refused.
 *
 * ```ts
 * app.post('/backchannel-logout', express.text({ type: 'application/x-www-form-urlencoded' }), async (req, res) => {
 *   const { status, headers, body } = await logout.receive(req.body, req.get('content-type'));
 *   res.status(status).set(headers).send(body);
 * });
 * ```
 * @throws {TypeError} naming the option that is unknown, missing or wrong.
 */
export function logoutReceiver(options: LogoutReceiverOptions): LogoutReceiver {
  refuseUnknown('logoutReceiver', options, known);
  const read = createLogoutTokenReader(options);
  const targets = readTargets(options.client);
  const replayStore = readReplayStore(options.replayStore);
  const wholeSubject = flag('wholeSubject', options.wholeSubject, false);
  const now = options.now === undefined ? () => Date.now() / 1000 : callable('now', options.now);
  const keyOf = createCacheKey(['logout', options.issuer]);
  /** What this process is at, or done with: by key, the NumericDate at which it ends. */
  const taken = new Map<string, number>();

  function take(key: string, { endsAt }: Logout, at: number): void {
    if (taken.has(key)) throw usedBefore();
    for (const [other, end] of taken) if (end < at || taken.size >= maxTaken) taken.delete(other);
    taken.set(key, endsAt);
  }

  /** Only what is done with is spent: what failed may come again, here or elsewhere. */
  async function spend(key: string, { endsAt }: Logout, at: number): Promise<boolean> {
    try {
      return await replayStore.add(key, endsAt, at);
    } catch {
      // it may come once more, and will do no more then
      return true;
    }
  }

  async function revoke({ sub, sid }: Logout): Promise<void> {
    const bySubject = sub !== undefined && (sid === undefined || wholeSubject);
    // one that fails keeps nobody from hearing
    const done = await Promise.allSettled(
      targets.flatMap((target) => [
        sid !== undefined && attempt(() => target.revokeBySession(sid)),
        bySubject && attempt(() => target.revokeBySubject(sub)),
      ]),
    );
    for (const outcome of done) if (outcome.status === 'rejected') throw outcome.reason;
  }

  async function handle(body: unknown, contentType: string | null | undefined): Promise<LogoutAnswer> {
    const at = now();
    const logout = await read(readForm(body, contentType), at);
    const key = await keyOf(logout.jti);
    take(key, logout, at);
    try {
      await revoke(logout);
    } catch (error) {
      taken.delete(key);
      throw error;
    }
    if (!(await spend(key, logout, at))) throw usedBefore();
    return { status: 200, headers: { 'Cache-Control': 'no-store' }, body: '' };
  }

  return Object.freeze({
    receive: (body: string, contentType: string | null | undefined) =>
      handle(body, contentType).catch((error) =>
        error instanceof LogoutRefusal
          ? refuse(400, 'invalid_request', error.message)
          : refuse(503, 'temporarily_unavailable', 'the logout is not complete', { 'Retry-After': '1' }),
      ),
  });
}

const usedBefore = () => new LogoutRefusal('the logout token was used before');

async function attempt(work: () => Promise<void>): Promise<void> {
  await work();
}

const refuse = (
  status: 400 | 503,
  error: string,
  description: string,
  headers: Readonly<Record<string, string>> = {},
): LogoutAnswer => ({
  status,
  headers: { 'Cache-Control': 'no-store', 'Content-Type': 'application/json', ...headers },
  body: JSON.stringify({ error, error_description: description }),
});

/** The logout token of a request (§2.5); other parameters are ignored. */
function readForm(body: unknown, contentType: string | null | undefined): string {
  if (contentType?.split(';')[0]?.trim().toLowerCase() !== formType)
    throw new LogoutRefusal(`the request's Content-Type is not ${formType}`);
  if (typeof body !== 'string' || body.length > maxBodyLength)
    throw new LogoutRefusal(`the request's body is no text, or longer than ${maxBodyLength} characters`);
  const [token, ...others] = new URLSearchParams(body).getAll('logout_token');
  if (token === undefined || others.length > 0)
    throw new LogoutRefusal('the request has not exactly one logout_token');
  return token;
}

function readTargets(client: LogoutReceiverOptions['client']): readonly LogoutTarget[] {
  const targets: readonly LogoutTarget[] = Array.isArray(client) ? [...client] : [client];
  const isTarget = (target: LogoutTarget | undefined | null) =>
    typeof target?.revokeBySubject === 'function' && typeof target.revokeBySession === 'function';
  if (targets.length > 0 && targets.every(isTarget)) return targets;
  throw new TypeError('client must be made by createPhantomTokenClient, or be a list of such clients');
}

function readReplayStore(value: ReplayStore | undefined): ReplayStore {
  if (value === undefined) return memoryReplayStore();
  if (typeof value?.add === 'function') return value;
  throw new TypeError('replayStore must have the function add; memoryReplayStore makes one');
}
