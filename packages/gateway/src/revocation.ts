import { z } from 'zod';

/** What is to be forgotten: a token, or all tokens of a subject or a session. */
export type Revocation = (
  | { readonly token: string }
  | { readonly sub: string }
  | { readonly sid: string }
) & {
  /** A name of `issuers`, or `null` for `introspection`. Not said: at all of them. */
  readonly issuer?: string | null | undefined;
};

/** Tells all workers, this one included. Rejects when one of them could not be told. */
export type RevokeEverywhere = (revocation: Revocation) => Promise<void>;

const text = z.string().min(1);
const revocation = z.union([
  z.strictObject({ token: text, issuer: text.optional() }),
  z.strictObject({ sub: text, issuer: text.optional() }),
  z.strictObject({ sid: text, issuer: text.optional() }),
]);

/** Reads the body of `POST /revocations`: JSON with one of `token`, `sub` and `sid`, and perhaps `issuer`. */
export function parseRevocation(body: string): Revocation | undefined {
  try {
    return revocation.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
}
