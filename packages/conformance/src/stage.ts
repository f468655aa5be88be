import {
  type AdapterOptions,
  clientSecretBasic,
  createPhantomTokenClient,
  type JwtAccessToken,
  memoryCache,
  type PhantomTokenClient,
  type PhantomTokenClientOptions,
  type PhantomTokenEvent,
} from '@phantom-token/core';
import type { Serve, Served } from './adapter.js';
import { jwt } from './answers.js';
import { assertEqual, assertPassed, assertRefused, type ExpectedSighting } from './assertions.js';
import { canaries } from './canaries.js';
import { type Clock, createClock } from './clock.js';
import type { ExpectedAnswer } from './expected-answers.js';
import { type RawExchange, type RawRequest, type RawResponse, sendRequest } from './raw-request.js';
import { type Answer, type ScriptedServer, startScriptedServer } from './scripted-server.js';

/** What a case is played with; everything has a default with which a request passes. */
export interface Setting {
  /** What the authorization server says. Default: a good JWT. */
  readonly says?: Answer;
  /** Beside a client secret, the endpoint, the clock and patience. */
  readonly client?: ClientSetting;
  readonly adapter?: AdapterSetting;
  /** Headers that the handler tells of, in lower case. */
  readonly lookedAt?: readonly string[];
  /** Looks at, or meddles with, what the handler is given. */
  readonly onHandle?: (accessToken: JwtAccessToken) => void;
}

/** The client is the stage's unless another is named. */
export type AdapterSetting = Partial<AdapterOptions>;

/** Longer than any machine stands still: an answer that is to count must not come too late for it. */
export const patientSeconds = 60;

type SomeOptions = Partial<PhantomTokenClientOptions>;
export type ClientSetting = SomeOptions | ((server: ScriptedServer) => SomeOptions | Promise<SomeOptions>);

/** What a client sends; a string is the Authorization header. */
export type Sent = string | SentRequest;

export interface SentRequest extends RawRequest {
  /** Authorization headers, each on its own line. Default: one with the canary token. */
  readonly authorization?: string | readonly string[];
}

/** A mounted adapter, from the side of its clients. */
export interface Door {
  readonly url: string;
  send(sent?: Sent): RawExchange;
  /** The request reaches the handler, which sees this. */
  passes(sent?: Sent, sighting?: ExpectedSighting): Promise<RawResponse>;
  /** The request gets this answer, in exactly these words, and never reaches the handler. */
  refuses(expected: ExpectedAnswer, sent?: Sent): Promise<void>;
}

/** One adapter, one client and one authorization server, made for one case. */
export interface Stage extends Door {
  readonly server: ScriptedServer;
  readonly client: PhantomTokenClient;
  readonly clock: Clock;
  readonly events: readonly PhantomTokenEvent[];
  /** There have been so many introspections. */
  asked(times: number): void;
  /** The introspections so far were of these tokens, byte for byte. */
  askedFor(...tokens: readonly string[]): void;
  /** The adapter again, with other options, and the same client unless that is given other options too. */
  mount(adapter: AdapterSetting, client?: SomeOptions): Promise<Door>;
}

/** Plays a case. In the end the handler must have been reached by the requests that passed and by no other. */
export async function onStage(
  serve: Serve,
  { says = jwt(), client: given = {}, adapter = {}, lookedAt = [], onHandle }: Setting,
  play: (stage: Stage) => Promise<unknown>,
): Promise<void> {
  const server = await startScriptedServer();
  const clock = createClock();
  const events: PhantomTokenEvent[] = [];
  const mounted: Served[] = [];
  let passed = 0;
  let reached = 0;
  server.answer(says);

  const options: PhantomTokenClientOptions = {
    introspectionEndpoint: server.endpoint,
    clientAuth: clientSecretBasic('conformance', canaries.secret),
    timeoutSeconds: patientSeconds,
    now: clock,
    onEvent: (event) => events.push(event),
    ...(typeof given === 'function' ? await given(server) : given),
  };
  const createClient = (more: SomeOptions = {}) =>
    // room for thousands of tokens would take longer to make than many a case
    createPhantomTokenClient({ cache: memoryCache({ maxEntries: 100 }), ...options, ...more });
  const client = createClient();

  async function mount(adapter: AdapterSetting, other?: SomeOptions): Promise<Door> {
    const asked = other ? createClient(other) : client;
    const served = await serve({ client: asked, ...adapter }, (authorization, accessToken, field) => {
      reached++;
      if (accessToken) onHandle?.(accessToken);
      const { claims = null, source = null } = accessToken ?? {};
      const fields = Object.fromEntries(lookedAt.map((name) => [name, field(name) ?? null]));
      return { authorization: authorization ?? null, claims, source, fields };
    });
    mounted.push(served);
    const replaced = adapter.replaceAuthorization ?? true;
    const send = (sent: Sent = {}) => sendRequest(served.url, toRequest(sent));
    return {
      url: served.url,
      send,
      async passes(sent, sighting = {}) {
        const response = await send(sent).response;
        passed++;
        await assertPassed(response, { replaced, ...sighting }, toRequest(sent).method);
        return response;
      },
      async refuses(expected, sent) {
        assertRefused(await send(sent).response, expected, toRequest(sent).method);
      },
    };
  }

  try {
    const door = await mount(adapter);
    const asked = (times: number) => assertEqual(server.calls.length, times, 'introspections');
    const askedFor = (...tokens: readonly string[]) => {
      const presented = server.calls.map(({ form }) => form.get('token'));
      assertEqual(presented, tokens, 'introspected tokens');
    };
    await play({ ...door, server, client, clock, events, asked, askedFor, mount });
    assertEqual(reached, passed, 'requests that reached the handler');
  } finally {
    for (const served of mounted) await served.close();
    await server.close();
  }
}

function toRequest(sent: Sent = {}): RawRequest {
  const {
    authorization = `Bearer ${canaries.token}`,
    fields = [],
    ...request
  }: SentRequest = typeof sent === 'string' ? { authorization: sent } : sent;
  const credentials = typeof authorization === 'string' ? [authorization] : authorization;
  return {
    ...request,
    fields: [...credentials.map((value) => ['Authorization', value] as const), ...fields],
  };
}
