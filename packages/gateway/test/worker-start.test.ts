import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { runCli } from './gateway.js';
import { listen, startAuthorizationServer } from './stage.js';

it('workers that cannot start end the command with 1 and a single line', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const certFile = join(folder, 'no-certificate.pem');
  writeFileSync(certFile, 'no certificate');
  const { introspection } = await startAuthorizationServer();
  const config = {
    listen: { ...listen, tls: { certFile, keyFile: certFile } },
    // the first one's failure ends the first process while others still begin
    workers: 4,
    introspection,
    forwardAuth: { path: '/authorize' },
  };
  const { code, stdout, stderr } = await runCli(['--config', '-'], stringify(config));
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^the gateway could not start: .*\n$/);
});
