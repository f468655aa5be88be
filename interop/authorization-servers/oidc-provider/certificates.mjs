// A certificate authority of the test run's own, and what it signs. Made by openssl, so that nothing here expires.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommand } from '../../commands.mjs';

const issue = (folder, name, args) => {
  const [certFile, keyFile] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', keyFile];
  const subject = ['-subj', `/CN=${name}`, '-days', '2'];
  const { status, stderr } = spawnSync(
    requireCommand('openssl'),
    ['req', '-x509', ...key, '-out', certFile, ...subject, ...args],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`openssl made no certificate for ${name}:\n${stderr}`);
  return { certFile, keyFile, cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
};

/** Each as `{ certFile, keyFile, cert, key }`. */
export const makeCertificates = (folder) => {
  const ca = issue(folder, 'ca', []);
  const sign = (name, alternativeName) =>
    issue(folder, name, [
      ...['-CA', ca.certFile, '-CAkey', ca.keyFile],
      ...['-addext', `subjectAltName=${alternativeName}`, '-addext', 'basicConstraints=CA:FALSE'],
    ]);
  return {
    ca,
    server: sign('server', 'IP:127.0.0.1'),
    /** The gateway's own, known to the server by its name. */
    client: sign('client', 'DNS:gateway.test'),
    /** From the same authority, but of somebody else. */
    stranger: sign('stranger', 'DNS:stranger.test'),
    /** From no authority, known to the server by itself. */
    selfSigned: issue(folder, 'self-signed', []),
    /** What an app binds its tokens to. */
    app: issue(folder, 'app', []),
  };
};
