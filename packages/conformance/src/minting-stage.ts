import {
  type JwtMinter,
  type JwtMinterOptions,
  jwtMinter,
  type PhantomTokenClientOptions,
} from '@phantom-token/core';
import { CompactSign, createLocalJWKSet, exportJWK, generateKeyPair, type JWK, jwtVerify } from 'jose';
import type { AdapterCase } from './adapter.js';
import { json } from './answers.js';
import { scene } from './case-forms.js';
import { goodClaims, type JwtSigner } from './jwt-samples.js';
import type { Answer } from './scripted-server.js';
import type { Setting, Stage } from './stage.js';

/** Who our minters say they are. */
export const issuer = 'https://gateway.example';

/** What a server says that returns no JWT. */
const answered = { active: true, token_type: 'Bearer', ...goodClaims };

/** The same but for some members. */
export const without = (...names: readonly string[]): Answer =>
  json(Object.fromEntries(Object.entries(answered).filter(([name]) => !names.includes(name))));

/** The same with other members, or more. */
export const saying = (members: object, headers = {}): Answer => json({ ...answered, ...members }, headers);

export interface OurKey {
  readonly jwk: JWK;
  readonly signer: JwtSigner;
}

/** A key for a minter, and what verifies with it. */
export async function createKey(kid: string): Promise<OurKey> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const open = { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' };
  const sign: JwtSigner['sign'] = (payload, header) =>
    new CompactSign(new TextEncoder().encode(JSON.stringify(payload)))
      .setProtectedHeader({ alg: 'ES256', kid, ...header })
      .sign(privateKey);
  return {
    jwk: { ...(await exportJWK(privateKey)), kid },
    signer: { jwk: open, jwks: { keys: [open] }, publicKey, sign },
  };
}

let sample: Promise<OurKey> | undefined;

/** The key of all minters that need no other; made once. */
export function sampleKey(): Promise<OurKey> {
  sample ??= createKey('ours');
  return sample;
}

export interface Minting extends Omit<Setting, 'client' | 'onHandle'> {
  readonly minter?: Partial<JwtMinterOptions>;
  readonly client?: Partial<PhantomTokenClientOptions>;
}

export interface Mint {
  readonly minter: JwtMinter;
  readonly signer: JwtSigner;
  /** The JWTs that the handler has seen, in order. */
  readonly jwts: readonly string[];
}

/** A client that mints, at a server that says nothing but JSON. */
export function minting(
  title: string,
  { minter: options, client, ...setting }: Minting,
  play: (stage: Stage, mint: Mint) => Promise<unknown>,
): AdapterCase {
  return {
    title,
    async run(serve) {
      const { jwk, signer } = await sampleKey();
      const minter = jwtMinter({ issuer, keys: jwk, ...options });
      const jwts: string[] = [];
      const whole: Setting = {
        says: saying({}),
        ...setting,
        client: { accept: 'application/json', mintJwt: minter, ...client },
        onHandle: ({ jwt }) => jwts.push(jwt),
      };
      await scene(title, whole, (stage) => play(stage, { minter, signer, jwts })).run(serve);
    },
  };
}

/** The claims of a JWT that verifies by what the minter publishes. */
export async function verified({ minter, jwts }: Mint, at: number, now: number) {
  const keys = createLocalJWKSet(await minter.jwks());
  const currentDate = new Date(now * 1000);
  const { payload } = await jwtVerify(jwts.at(at) ?? '', keys, { issuer, typ: 'at+jwt', currentDate });
  return payload;
}

/** The codes of the failures and warnings that were reported. */
export const codes = ({ events }: Stage) => events.flatMap((event) => ('code' in event ? [event.code] : []));
