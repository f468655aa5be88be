import { AssertionError, deepEqual } from 'node:assert/strict';
import type { Claims, JwtAccessToken } from '@phantom-token/core';
import { compactVerify } from 'jose';
import type { Sighting } from './adapter.js';
import { canaries, redact } from './canaries.js';
import type { ExpectedAnswer } from './expected-answers.js';
import { goodClaims, type JwtSigner, sampleSigner } from './jwt-samples.js';
import type { RawResponse } from './raw-request.js';

/** What the handler is to see; only what is named is looked at. */
export interface ExpectedSighting {
  readonly claims?: { readonly [Name in keyof Claims]: Claims[Name] | undefined };
  readonly source?: JwtAccessToken['source'];
  readonly fields?: Sighting['fields'];
  /** Whose JWT it is to be. Default: the sample signer's. */
  readonly signer?: JwtSigner;
  /** Whether Authorization holds the JWT, rather than what the client sent. Default true. */
  readonly replaced?: boolean;
}

/** Compares without ever quoting a canary or a JWT. */
export function assertEqual(actual: unknown, expected: unknown, subject: string): void {
  try {
    deepEqual(actual, expected);
  } catch {
    const [got, wanted] = [actual, expected].map((value) => redact(JSON.stringify(value) ?? 'nothing'));
    throw new AssertionError({ message: `${subject}: ${got}, not ${wanted}`, stackStartFn: assertEqual });
  }
}

export function assertRefused(response: RawResponse, expected: ExpectedAnswer, method?: string): void {
  assertEqual(
    {
      status: response.status,
      challenge: response.header('WWW-Authenticate'),
      retryAfter: response.header('Retry-After'),
      cacheControl: response.header('Cache-Control'),
      contentType: response.header('Content-Type'),
      body: parseBody(response.body),
      leaks: leaks(response.text),
    },
    {
      status: expected.status,
      challenge: expected.challenge,
      retryAfter: expected.retryAfter,
      cacheControl: 'no-store',
      contentType: 'application/json',
      body: method === 'HEAD' ? '' : expected.body,
      leaks: false,
    },
    'the answer',
  );
}

export async function assertPassed(
  response: RawResponse,
  { claims = {}, source, fields, signer, replaced = true }: ExpectedSighting,
  method?: string,
): Promise<void> {
  assertEqual(
    [response.status, response.header('WWW-Authenticate'), response.header('Set-Cookie')],
    [200, undefined, undefined],
    'status, challenge and cookie',
  );
  if (method === 'HEAD') return assertEqual(response.body, '', 'the body');
  const seen = parseBody(response.body) as Sighting;
  const wanted = { sub: goodClaims.sub, ...claims };
  for (const [name, value] of Object.entries(wanted))
    assertEqual(seen.claims?.[name], value, `claim ${name}`);
  if (source !== undefined) assertEqual(seen.source, source, 'source');
  if (fields !== undefined) assertEqual(seen.fields, fields, 'headers');
  if (replaced) await assertForwardable(seen.authorization, signer ?? (await sampleSigner()));
  else assertEqual(seen.authorization, `Bearer ${canaries.token}`, 'Authorization');
}

// the signature shows that no byte of the JWT was changed on its way
async function assertForwardable(authorization: string | null, signer: JwtSigner): Promise<void> {
  const jwt = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/.exec(authorization ?? '')?.[1] ?? '';
  const isOurs = await compactVerify(jwt, signer.publicKey).then(
    () => true,
    () => false,
  );
  assertEqual(isOurs, true, "whether Authorization is Bearer and the server's JWT");
}

const leaks = (text: string) => text.includes('CANARY') || text.includes('eyJ');

function parseBody(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}
