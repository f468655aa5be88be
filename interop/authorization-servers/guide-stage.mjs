// A gateway that runs what a guide shows, in front of an upstream that verifies JWTs.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startGateway } from './gateway.mjs';
import { configOf, variable } from './guide.mjs';
import { makeKey, secretFile } from './stage.mjs';
import { startUpstream } from './upstream.mjs';

/**
 * `work` gets `{ gateway, upstream }`. The page's example of the server's address is `example`, that of the audience of
 * the minted JWT `audience`; `index` is the page's configuration.
 */
export const withGuide = async (page, server, { example, audience, index = 0 }, work) => {
  const folder = mkdtempSync(join(tmpdir(), 'interop-guide-'));
  const upstream = await startUpstream();
  let gateway;
  try {
    const config = configOf(
      page,
      {
        'port: 3000': 'port: 0',
        [example]: new URL(server.introspectionEndpoint).origin,
        [variable('CLIENT_SECRET')]: server.clientSecret,
        'minting.pem': secretFile(folder, 'minting.pem', makeKey()),
        'http://127.0.0.1:4000': upstream.url,
      },
      index,
    );
    gateway = await startGateway(config);
    const jwksUri = `${gateway.url}/.well-known/jwks.json`;
    upstream.trust = { issuer: 'https://gateway.example.com', audience, jwksUri };
    await work({ gateway, upstream });
  } finally {
    await gateway?.stop();
    await upstream.stop();
    rmSync(folder, { recursive: true, force: true });
  }
};
