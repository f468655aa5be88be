/**
 * Strings that every case uses by default. None of them may turn up in what a test run prints, nor in a shared cache's
 * keys and values, so a search for `CANARY` and `canaries.jwt` over both shows a leak.
 */
export const canaries = {
  /** What the client presents. */
  token: 'CANARYtoken-9f1c.7a_b~c+d/e==',
  /** Our secret at the authorization server. */
  secret: 'CANARYsecret-5d0e8b31',
  /** The `sub` of the tokens. */
  subject: 'CANARYsubject-2b64',
  /** A part of every JWT whose first claim is that `sub`, in base64url. */
  jwt: btoa('{"sub":"CANARYsubject-2b'),
} as const;

const compactJwt = /\beyJ[\w-]*(?:\.[\w-]*)*/g;

/** The text without canaries and JWTs, for messages of failed assertions. */
export function redact(text: string): string {
  return text.replace(compactJwt, '[jwt]').replace(/CANARY[^\s"]*/g, '[canary]');
}
