// What a token costs in memory: `node memory.mjs`, after a build. Each row has a process and so a heap of its own.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { clientSecretBasic, createPhantomTokenClient, memoryCache } from '@phantom-token/core';

const maxBytes = 64 * 1024 ** 2;
/** A digest of 256 bits in base64url. */
const keyLength = 43;
/** How far the estimate that bounds the cache may be from the truth. */
const tolerance = 0.1;

/** Exchanges so many tokens twice, as requests do, and says what they took. */
async function measure(tokens, jwtBytes) {
  // beside the heap that is measured
  const keys = Buffer.alloc((tokens + 1) * keyLength);
  let stored = 0;
  const cache = memoryCache({ maxEntries: tokens, maxBytes });
  const client = createPhantomTokenClient({
    introspectionEndpoint: 'https://login.example.com/introspect',
    clientAuth: clientSecretBasic('gateway', 'secret'),
    cache: {
      ...cache,
      set(key, entry) {
        keys.write(key, stored++ * keyLength, 'latin1');
        cache.set(key, entry);
      },
    },
    fetch: async () => new Response(makeJwt(jwtBytes), { headers: { 'Content-Type': 'application/jwt' } }),
  });
  await client.exchange('the first one warms up');
  const before = await heapUsed();
  for (let index = 0; index < tokens; index++) {
    const token = `token-${index}`;
    await client.exchange(token);
    // what a header is made of is made flat by whoever checks or writes it
    /[^\x20-\x7e]/.test((await client.exchange(token)).authorization);
  }
  const bytes = (await heapUsed()) - before;
  let kept = 0;
  for (let at = 0; at < keys.length; at += keyLength)
    if (cache.memory.peek(keys.toString('latin1', at, at + keyLength)) !== undefined) kept++;
  // so that the client is still there when the heap is looked at
  const { source } = await client.exchange(`token-${tokens - 1}`);
  if (source !== 'memory') throw new Error('the last token is not in memory');
  console.log(JSON.stringify({ bytes, kept }));
}

async function heapUsed() {
  for (let round = 0; round < 3; round++) {
    globalThis.gc();
    await pause(20);
  }
  return process.memoryUsage().heapUsed;
}

const segment = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A JWT of about that size, most of it roles, as in real ones. */
function makeJwt(bytes) {
  const claims = {
    iss: 'https://login.example.com/oauth/v2/oauth-anonymous',
    sub: randomBytes(16).toString('hex'),
    aud: 'https://api.example.com',
    client_id: 'web-client',
    scope: 'openid profile read write',
    exp: Math.floor(Date.now() / 1000) + 3600,
    iat: Math.floor(Date.now() / 1000),
    jti: randomBytes(16).toString('hex'),
    sid: randomBytes(16).toString('hex'),
    roles: [],
  };
  const header = segment({ alg: 'RS256', typ: 'at+jwt', kid: 'key-1' });
  const signature = randomBytes(256).toString('base64url');
  const make = () => `${header}.${segment(claims)}.${signature}`;
  for (let left = bytes - make().length; left > 0; left -= 32)
    claims.roles.push(`role-${randomBytes(8).toString('hex')}`);
  return make();
}

function printTable() {
  console.log(
    `Node ${process.version}; maxBytes ${maxBytes / 1024 ** 2} MiB, maxEntries as many as are offered\n`,
  );
  console.log('| JWT | tokens | kept | heap | of maxBytes | bytes each |');
  console.log('| --- | --- | --- | --- | --- | --- |');
  for (const kilobytes of [1, 2, 4]) {
    for (const tokens of [10_000, 50_000]) {
      const args = ['--expose-gc', import.meta.filename, tokens, kilobytes * 1024];
      const { bytes, kept } = JSON.parse(
        execFileSync(process.execPath, args.map(String), { encoding: 'utf8' }),
      );
      const share = bytes / maxBytes;
      // only a full cache says how good the estimate is
      const isOff = kept < tokens && Math.abs(share - 1) > tolerance;
      if (isOff) process.exitCode = 1;
      const cells = [
        `${kilobytes} KB`,
        tokens,
        kept,
        `${(bytes / 1024 ** 2).toFixed(1)} MiB`,
        `${(share * 100).toFixed(0)} %${isOff ? ' OFF' : ''}`,
        Math.round(bytes / kept),
      ];
      console.log(`| ${cells.join(' | ')} |`);
    }
  }
}

if (process.argv.length > 2) await measure(...process.argv.slice(2).map(Number));
else printTable();
