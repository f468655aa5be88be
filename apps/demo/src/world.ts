import { clientSecretBasic, createPhantomTokenClient, discover, jwtVerifier } from '@phantom-token/core';
import { type Api, startApi } from './api.js';
import { type AuthorizationServer, clients, startAuthorizationServer } from './authorization-server.js';
import { connectToCurity } from './curity.js';
import { startExpressGateway } from './express-gateway.js';
import { startFastifyGateway } from './fastify-gateway.js';
import type { StartGateway } from './gateway.js';
import { startHonoGateway } from './hono-gateway.js';
import type { Listening } from './listening.js';

/** How long a revoked token may still pass. */
export const revocationWindowSeconds = 3;

/** A machine that stands still for a while must not look like an authorization server that does not answer. */
const timeoutSeconds = 60;

/** Each breaks the step of that name, by making a real part misbehave. */
export type Break =
  | 'no-token'
  | 'garbage'
  | 'scope'
  | 'good-token'
  | 'cached'
  | 'parallel'
  | 'authorization-code'
  | 'revoked'
  | 'stopped';

export interface Gateway extends Listening {
  readonly name: string;
}

export interface World {
  readonly authorizationServer: AuthorizationServer;
  readonly api: Api;
  readonly gateways: readonly Gateway[];
  /** Whether the authorization server is not ours: what needs to stop it, or to play a user, cannot be shown. */
  readonly isRemote: boolean;
  /** Stops the gateways' clock: nothing runs out before a slow machine has come to it. */
  stopClock(): void;
  /** Waits so long, and lets a stopped clock go on by as much. */
  wait(seconds: number): Promise<void>;
  /** Takes the authorization server away, for good. */
  stopAuthorizationServer(): Promise<void>;
  close(): Promise<void>;
}

const frameworks: Readonly<Record<string, StartGateway>> = {
  Express: startExpressGateway,
  Fastify: startFastifyGateway,
  Hono: startHonoGateway,
};

export interface WorldOptions {
  readonly broken?: Break | undefined;
  /** The base URL of a Curity Identity Server to use instead of the embedded server. */
  readonly curity?: string | undefined;
  /** Where its issuer is not the usual one. */
  readonly curityIssuer?: string | undefined;
}

export async function startWorld({ broken, curity, curityIssuer }: WorldOptions = {}): Promise<World> {
  const remote = curity === undefined ? undefined : connectToCurity(curity, curityIssuer);
  const authorizationServer =
    remote ??
    (await startAuthorizationServer({
      takesGarbage: broken === 'garbage',
      forbidsCaching: broken === 'cached',
      ignoresRevocation: broken === 'revoked',
      refusesLogin: broken === 'authorization-code',
    }));
  const {
    issuer,
    introspectionEndpoint,
    jwksUri = '',
  } = await discover(authorizationServer.issuer, {
    timeoutSeconds,
  });
  const expected = { issuer, jwksUri, ...authorizationServer.jwt };
  const api = await startApi(expected);

  let stoppedAt: number | undefined;
  const now = () => stoppedAt ?? Date.now() / 1000;
  const createClient = () =>
    createPhantomTokenClient({
      introspectionEndpoint,
      issuer,
      clientAuth: clientSecretBasic(clients.gateway.id, clients.gateway.secret),
      verifyJwt: jwtVerifier(expected),
      maxTtlSeconds: revocationWindowSeconds,
      timeoutSeconds,
      now,
      ...(remote && { onEvent: remote.onEvent }),
    });

  const gateways = await Promise.all(
    Object.entries(frameworks).map(async ([name, start]) => {
      const client = broken === 'parallel' ? asOnWorkers(createClient) : createClient();
      const started = await start({
        client,
        upstream: api.url,
        requiredScopes: broken === 'scope' ? [] : ['read'],
        guarded: broken !== 'no-token',
        replaceAuthorization: broken !== 'good-token',
      });
      return { ...started, name };
    }),
  );
  return {
    authorizationServer,
    api,
    gateways,
    isRemote: remote !== undefined,
    stopClock() {
      stoppedAt = now();
    },
    async wait(seconds) {
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
      if (stoppedAt !== undefined) stoppedAt += seconds;
    },
    stopAuthorizationServer: async () => {
      if (broken !== 'stopped') await authorizationServer.close();
    },
    close: async () => {
      await Promise.all([...gateways, api, authorizationServer].map((part) => part.close()));
    },
  };
}

/** A client made where requests must not share I/O does not coalesce them. */
function asOnWorkers<T>(make: () => T): T {
  const original = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  Object.defineProperty(globalThis, 'navigator', {
    value: { userAgent: 'Cloudflare-Workers' },
    configurable: true,
  });
  try {
    return make();
  } finally {
    Reflect.deleteProperty(globalThis, 'navigator');
    if (original) Object.defineProperty(globalThis, 'navigator', original);
  }
}
