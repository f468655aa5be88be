import { jwtVerify } from 'jose';
import { issuer, startAuthorizationServer, token } from './authorization-server.js';
import { microsecondsEach } from './pace.js';
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
