import { readFileSync } from 'node:fs';
import { isNetwork } from '@phantom-token/core/network-list';
import { z } from 'zod';

// the values that options take, each with the words for what is wrong with it

/** Whether a URL lacks these parts; what is no URL is reported as that. */
export const hasNone = (text: string, ...parts: ('username' | 'password' | 'search' | 'hash')[]) =>
  !URL.canParse(text) || parts.every((part) => new URL(text)[part] === '');
export const url = (protocols: RegExp, words: string) =>
  z.string().refine((text) => URL.canParse(text) && protocols.test(new URL(text).protocol), {
    error: `must be an absolute ${words} URL`,
  });
export const webUrl = url(/^https?:$/, 'http: or https:').refine(
  (text) => hasNone(text, 'username', 'password', 'hash'),
  {
    error: 'must not have credentials or a fragment',
  },
);
export const origin = webUrl.refine(
  (text) => !URL.canParse(text) || new URL(text).origin === text.toLowerCase(),
  {
    error: 'must be an origin, such as https://api.example.com: no path',
  },
);
export const path = z.string().regex(/^\/[\w\-.~!$&'()*+,;=:@/]*$/, {
  error: 'must be a path that starts with a slash, such as /api',
});
export const seconds = z
  .number({ error: 'must be a number of seconds' })
  .min(0, { error: 'must be 0 or more seconds' });
export const positiveSeconds = z
  .number({ error: 'must be a number of seconds' })
  .gt(0, { error: 'must be more than 0 seconds' });
/** What a timer takes; a longer time would be over at once. */
const mostTimerSeconds = 2_147_483;
const tooLong = { error: `must be ${mostTimerSeconds} or fewer seconds` };
export const timerSeconds = seconds.max(mostTimerSeconds, tooLong);
export const positiveTimerSeconds = positiveSeconds.max(mostTimerSeconds, tooLong);
export const count = (least: number) =>
  z
    .int({ error: `must be a whole number, ${least} or more` })
    .min(least, { error: `must be ${least} or more` });
export const text = z.string({ error: 'must be a string' }).min(1, { error: 'must not be empty' });
/** The name of a file. One that is missing shows now, not where it is needed. */
export const file = text.superRefine((name, context) => {
  try {
    readFileSync(name);
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? (error as Error).name;
    context.addIssue({ code: 'custom', message: `must be a file that can be read (${reason})` });
  }
});
export const fieldName = z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, {
  error: 'must be the name of a header field, such as X-SSL-Client-Cert',
});
export const secret = z
  .string({ error: 'must be a string' })
  .min(32, { error: 'must have 32 characters or more: openssl rand -base64 32' });
export const port = z
  .int({ error: 'must be a port number, 0 to 65535' })
  .min(0)
  .max(65_535, { error: 'must be a port number, 0 to 65535' });
export const scope = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, {
  error: 'must be a single scope: no spaces, quotes or backslashes',
});
export const realm = z.string().regex(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/, {
  error: 'must be printable ASCII without quotes and backslashes',
});

export const algorithm = z.string().regex(/^(?:[REP]S(?:256|384|512)|EdDSA|Ed25519)$/, {
  error: 'must be an asymmetric algorithm, such as RS256',
});

export const networks = z.array(
  z.string().refine(isNetwork, { error: 'must be an address or a network such as 10.0.0.0/8' }),
  { error: 'must be a list of addresses and networks' },
);

export const flag = z.boolean({ error: 'must be true or false' });
export const audience = z.union([text, z.array(text).min(1)], {
  error: 'must be a string or a list of strings',
});
export const algorithms = z.array(algorithm).min(1, { error: 'must name at least one algorithm' });
