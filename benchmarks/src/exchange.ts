import { jwtVerify } from 'jose';
import { issuer, startAuthorizationServer, token } from './authorization-server.js';
import { measurePairs, type PairedResult } from './paired.js';

/** Microseconds of an exchange that memory answers, against verifying the same JWT's RS256 signature. */
export async function measureExchange(pairs: number, sliceSeconds: number): Promise<PairedResult> {
  const { client, jwt, publicKey } = await startAuthorizationServer();
  await client.exchange(token);
  return measurePairs(
    pairs,
    () => microsecondsEach(sliceSeconds, () => client.exchange(token)),
    () => microsecondsEach(sliceSeconds, () => jwtVerify(jwt, publicKey, { issuer, typ: 'at+jwt' })),
  );
}

async function microsecondsEach(seconds: number, work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1000;
  let count = 0;
  while (performance.now() < endsAt) {
    for (let round = 0; round < 100; round++) await work();
    count += 100;
  }
  return ((performance.now() - startedAt) / count) * 1000;
}
