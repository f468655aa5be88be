import { describe, expect, it } from 'vitest';
import { assertEqual } from './assertions.js';
import { canaries, redact } from './canaries.js';
import { goodClaims, signJwt, unsignedJwt } from './jwt-samples.js';

describe('canaries', () => {
  it('are found in every sample JWT', async () => {
    expect(await signJwt(goodClaims)).toContain(canaries.jwt);
    expect(unsignedJwt({ alg: 'none' }, goodClaims)).toContain(canaries.jwt);
  });

  it('are redacted wherever they stand', async () => {
    const jwt = await signJwt(goodClaims);
    const text = `Bearer ${canaries.token}, ${jwt}: {"sub":"${canaries.subject}"} ${canaries.secret}x`;
    expect(redact(text)).toBe('Bearer [canary] [jwt]: {"sub":"[canary]"} [canary]');
  });

  it('are quoted by no failed assertion', async () => {
    const actual = { token: canaries.token, jwt: await signJwt(goodClaims), sub: canaries.subject };
    expect(() => assertEqual(actual, canaries.secret, 'the answer')).toThrow(
      'the answer: {"token":"[canary]","jwt":"[jwt]","sub":"[canary]"}, not "[canary]"',
    );
  });
});
