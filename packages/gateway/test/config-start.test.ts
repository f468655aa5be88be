import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { runHere } from './gateway.js';

const introspection = {
  endpoint: 'https://login.example.com/introspect',
  clientAuth: { method: 'client_secret_basic', clientId: 'gateway', clientSecret: 'secret' },
};
const route = { path: '/api', upstream: 'http://127.0.0.1:4000' };
const base = { introspection, routes: [route] };

async function findMistakes(config: object, ...options: readonly string[]) {
  const { code, stdout, stderr } = await runHere(['--config', '-', ...options], stringify(config));
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  return stderr
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/ \(line \d+\)/, ''));
}

describe('what would stop the start', () => {
  it.each<[string, object, readonly string[]]>([
    [
      'headers that no claim can have',
      {
        routes: [{ ...route, claimHeaders: { 'X User': 'sub', Host: 'sub', 'X-Sub': 'sub', x_sub: 'iss' } }],
        forwardAuth: { path: '/authorize', claimHeaders: { Authorization: 'sub' } },
      },
      [
        'routes[0].claimHeaders.X User: "X User" is not the name of a header field',
        'routes[0].claimHeaders.Host: "Host" has a meaning of its own; choose another name',
        'routes[0].claimHeaders.x_sub: "x_sub" is there twice; case, "_", "." and "-" do not tell names apart',
        'forwardAuth.claimHeaders.Authorization: "Authorization" has a meaning of its own; choose another name',
      ],
    ],
    [
      'a certificate in a field without a name, from nobody',
      { trustedProxies: [], proxyCertificate: { format: 'nginx' } },
      [
        'proxyCertificate: is believed from trustedProxies only, and there are none',
        'proxyCertificate.header: is missing: nginx has no name of its own for it',
      ],
    ],
    [
      'a certificate in what is no field',
      { trustedProxies: ['10.0.0.1'], proxyCertificate: { format: 'client-cert', header: 'Client Cert' } },
      [
        'proxyCertificate.header: must be the name of a header field, such as X-SSL-Client-Cert, not "Client Cert"',
      ],
    ],
    [
      'a secret for nonces that is too short',
      { dpop: { origin: 'https://api.example.com', nonceSecret: 'short' } },
      ['dpop.nonceSecret: must have 32 characters or more: openssl rand -base64 32'],
    ],
    [
      'files that are not there',
      {
        listen: { tls: { certFile: '/nope/cert.pem', keyFile: '/nope/key.pem' } },
        introspection: {
          ...introspection,
          clientAuth: { method: 'private_key_jwt', clientId: 'gateway', keyFile: '/nope/client.pem' },
          tls: { caFile: '/nope' },
          mint: { issuer: 'https://gateway.example.com', keyFiles: [import.meta.filename, '/nope/mint.pem'] },
        },
        issuers: {
          other: {
            ...introspection,
            clientAuth: { method: 'bearer', clientId: 'gateway', tokenFile: '/nope/token' },
          },
        },
      },
      [
        'listen.tls.certFile: must be a file that can be read (ENOENT), not "/nope/cert.pem"',
        'listen.tls.keyFile: must be a file that can be read (ENOENT), not "/nope/key.pem"',
        'introspection.clientAuth.keyFile: must be a file that can be read (ENOENT), not "/nope/client.pem"',
        'introspection.tls.caFile: must be a file that can be read (ENOENT), not "/nope"',
        'introspection.mint.keyFiles[1]: must be a file that can be read (ENOENT), not "/nope/mint.pem"',
        'issuers.other.clientAuth.tokenFile: must be a file that can be read (ENOENT)',
      ],
    ],
    [
      'a method of authentication that is a method of every object',
      {
        introspection: { ...introspection, clientAuth: { method: 'constructor', clientId: 'gateway' } },
      },
      [expect.stringMatching(/^introspection\.clientAuth\.method: must be one of .*, not "constructor"$/)],
    ],
    [
      'nothing to serve',
      { routes: [] },
      ['the file: must have at least one of routes and forwardAuth, or nothing would be served'],
    ],
  ])('is found by --check, and by a start with one worker or more: %s', async (_title, change, mistakes) => {
    const config = { ...base, ...change };
    expect(await findMistakes(config, '--check')).toEqual(mistakes);
    expect(await findMistakes(config)).toEqual(mistakes);
    if (!('dpop' in config)) expect(await findMistakes({ ...config, workers: 2 })).toEqual(mistakes);
  });

  it('is no file that is there', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gateway-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const clientSecretFile = join(folder, 'secret');
    writeFileSync(clientSecretFile, 'secret');
    const clientAuth = { method: 'client_secret_basic', clientId: 'gateway', clientSecretFile };
    const config = { ...base, introspection: { ...introspection, clientAuth } };
    expect(await runHere(['--config', '-', '--check'], stringify(config))).toMatchObject({
      code: 0,
      stderr: '',
    });
  });
});
