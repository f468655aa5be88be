import { type ResponseVerifierOptions, responseVerifier } from '@phantom-token/core';
import { CompactEncrypt, exportJWK, generateKeyPair, type JWK } from 'jose';
import { type AnswerBody, reply } from './answers.js';
import { startAt } from './clock.js';
import {
  createJwtSigner,
  goodClaims,
  type JwtSigner,
  type Payload,
  signJwt,
  unsignedJwt,
} from './jwt-samples.js';
import type { Answer, ScriptedServer } from './scripted-server.js';
import type { ClientSetting } from './stage.js';

/** How a server answers that signs what it says (RFC 9701 §5). */
export const answerMediaType = 'application/token-introspection+jwt';
export const answerType = 'token-introspection+jwt';

export type Members = Readonly<Record<string, unknown>>;

interface AnswerKeys {
  /** Signs answers and no access token: were an answer forwarded, its signature would give it away. */
  readonly signer: JwtSigner;
  /** What the server encrypts to. */
  readonly recipient: JWK;
  /** Our half of it. */
  readonly decryptionKey: JWK;
}

export async function createAnswerKeys(): Promise<AnswerKeys> {
  const { publicKey, privateKey } = await generateKeyPair('ECDH-ES', { extractable: true });
  return {
    signer: await createJwtSigner('answers'),
    recipient: await exportJWK(publicKey),
    decryptionKey: await exportJWK(privateKey),
  };
}

let sample: Promise<AnswerKeys> | undefined;

/** The keys of all samples; made once. */
export function answerKeys(): Promise<AnswerKeys> {
  sample ??= createAnswerKeys();
  return sample;
}

/** The claims around `token_introspection`; the client of every case is called `conformance`. */
export const answerFrame = { iss: goodClaims.iss, aud: 'conformance', iat: startAt } as const;

/** What is said of an active token: that it is, and the sample JWT. */
export const activeMembers = async (): Promise<Members> => ({ active: true, jwt: await signJwt(goodClaims) });

export const signAnswer = async (payload: Payload, header: Members = {}) =>
  (await answerKeys()).signer.sign(payload, { typ: answerType, ...header });

/** The good answer, but for these claims and header parameters. */
export const signedAnswer = async (claims: Members = {}, header: Members = {}) =>
  signAnswer({ ...answerFrame, token_introspection: await activeMembers(), ...claims }, header);

/** The same, with a signature that nobody made. */
export const unsignedAnswer = async (alg: unknown, signature = 'c2lnbmF0dXJl') =>
  unsignedJwt(
    { alg, typ: answerType },
    { ...answerFrame, token_introspection: await activeMembers() },
    signature,
  );

export const encryptAnswer = async (plaintext: string, header: Members = {}, recipient?: JWK) =>
  new CompactEncrypt(new TextEncoder().encode(plaintext))
    .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A128CBC-HS256', cty: 'JWT', ...header })
    .encrypt(recipient ?? (await answerKeys()).recipient);

/** Such a body under the media type of signed answers, or another. */
export const answerWith = (body: AnswerBody, contentType = answerMediaType): Answer =>
  reply(200, { 'Content-Type': contentType }, body);

/** The good answer, but for these claims and header parameters. */
export const framed = (claims?: Members, header?: Members): Answer =>
  answerWith(() => signedAnswer(claims, header));

/** The good answer, with something done to it. */
export const altered = (alter: (jws: string) => string | Promise<string>): Answer =>
  answerWith(async () => alter(await signedAnswer()));

type Keys = Pick<ResponseVerifierOptions, 'jwks' | 'jwksUri'>;
type Further = Partial<Omit<ResponseVerifierOptions, keyof Keys>>;

/** A client that believes what is signed with these keys, and nothing else. */
export const believing = (keys: Keys, further: Further = {}) =>
  ({
    accept: answerMediaType,
    verifyResponse: responseVerifier({ issuer: goodClaims.iss, ...keys, ...further }),
  }) as const;

/** The same, with the keys of the samples. */
export const verifying =
  (further?: Further): ClientSetting =>
  async () =>
    believing({ jwks: (await answerKeys()).signer.jwks }, further);

/** The options of a setting. */
export const settle = async (setting: ClientSetting, server: ScriptedServer) =>
  typeof setting === 'function' ? setting(server) : setting;

/** What is special about an answer, the answer, and a client for which it is so. */
export type AnswerRow = readonly [what: string, says: Answer, client?: ClientSetting];
