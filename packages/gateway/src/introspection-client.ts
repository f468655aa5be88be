import { readFileSync } from 'node:fs';
import {
  createPhantomTokenClient,
  discover,
  type JwtMinter,
  jwtMinter,
  jwtVerifier,
  type LogoutReceiver,
  type LogoutTarget,
  logoutReceiver,
  type PhantomTokenClient,
  type PhantomTokenClientOptions,
  type ReplayStore,
  responseVerifier,
} from '@phantom-token/core';
import { createFetch, fileSecret, type PooledFetch } from '@phantom-token/core/node';
import { createClientAuth } from './client-auth.js';
import type { Introspection } from './config-introspection.js';
import { defined } from './defined.js';

export interface IntrospectionClient {
  readonly client: PhantomTokenClient;
  /** Makes the JWTs of this authorization server's tokens, where it makes none. */
  readonly minter: JwtMinter | undefined;
  /** Where it tells us that somebody has logged out. */
  readonly logout: { readonly path: string; readonly receiver: LogoutReceiver } | undefined;
  close(): Promise<void>;
}

/** What all clients have in common. */
type Common = Omit<PhantomTokenClientOptions, 'introspectionEndpoint' | 'clientAuth'>;

/**
 * The client for one authorization server, with connections of its own to it.
 * @param logoutTarget What logouts are passed on to; without it the client.
 */
export async function createIntrospectionClient(
  options: Introspection,
  common: Common,
  replayStore: ReplayStore | undefined,
  logoutTarget: LogoutTarget | undefined,
): Promise<IntrospectionClient> {
  const { endpoint, issuer, clientAuth, verify, signedResponse, mint, logout, tls, ...rest } = options;
  const fetch = createConnections(tls, rest.maxConcurrentIntrospections);
  const { allowInsecureRequests } = rest;
  const trust = defined({ fetch, allowInsecureRequests });
  let client: PhantomTokenClient | undefined;
  const close = async () => {
    client?.close();
    await fetch.close();
  };
  try {
    const server =
      endpoint === undefined ? await discover(issuer as string, trust) : { introspectionEndpoint: endpoint };
    const minter = mint && createMinter(mint);
    client = createPhantomTokenClient(
      defined({
        ...rest,
        ...common,
        ...server,
        issuer,
        clientAuth: createClientAuth(clientAuth),
        verifyJwt: verify && jwtVerifier(defined({ ...verify, ...trust })),
        verifyResponse: signedResponse && createResponseVerifier(signedResponse, trust),
        mintJwt: minter,
        fetch,
      }),
    );
    const receiver = logout && createLogout(logout, issuer, logoutTarget ?? client, trust, replayStore);
    return { client, minter, logout: receiver, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function createConnections(tls: Introspection['tls'], connections = 64): PooledFetch {
  const read = (file: string | undefined) => (file === undefined ? undefined : readFileSync(file));
  const { caFile, certFile, keyFile } = tls ?? {};
  return createFetch(defined({ connections, ca: read(caFile), cert: read(certFile), key: read(keyFile) }));
}

function createResponseVerifier(
  { decryptionKeyFiles, ...options }: NonNullable<Introspection['signedResponse']>,
  trust: { readonly fetch: PooledFetch },
) {
  const decryptionKey = decryptionKeyFiles && readKeys(decryptionKeyFiles);
  return responseVerifier(defined({ ...options, ...trust, decryptionKey }));
}

function createLogout(
  { path, ...options }: NonNullable<Introspection['logout']>,
  issuer: string | undefined,
  client: LogoutTarget,
  trust: { readonly fetch: PooledFetch },
  replayStore: ReplayStore | undefined,
) {
  const receiver = logoutReceiver(
    defined({ issuer: issuer as string, ...defined(options), ...trust, client, replayStore }),
  );
  return { path, receiver };
}

const createMinter = ({ keyFiles, ...options }: NonNullable<Introspection['mint']>) =>
  jwtMinter(defined({ ...options, keys: readKeys(keyFiles) }));

/** The keys in files, whatever is in them when they are asked for. */
function readKeys(files: readonly string[]): () => Promise<string[]> {
  // a file that is missing shows now, not with the first request
  for (const file of files) readFileSync(file);
  const secrets = files.map((file) => fileSecret(file));
  return () => Promise.all(secrets.map((read) => read()));
}
