import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';

export const pem = (name: string) => readFileSync(new URL(`tls/${name}`, import.meta.url), 'utf8');

export const certificate = (name: string) => ({ cert: pem(`${name}.pem`), key: pem(`${name}.key`) });

/** The x5t#S256 of two certificates, computed with OpenSSL by tls/make.sh. */
export const thumbprints = {
  client: pem('client.x5t').trim(),
  elsewhere: pem('elsewhere.x5t').trim(),
} as const;

/** A header's text as a proxy of each kind makes it of a certificate. */
export const written = {
  'client-cert': (name: string) => `:${new X509Certificate(pem(`${name}.pem`)).raw.toString('base64')}:`,
  nginx: (name: string) => encodeURIComponent(pem(`${name}.pem`)),
  envoy: (name: string) => {
    const { fingerprint256 } = new X509Certificate(pem(`${name}.pem`));
    const hash = fingerprint256.replaceAll(':', '').toLowerCase();
    return `By=;Hash=${hash};Cert="${encodeURIComponent(pem(`${name}.pem`))}";Subject="CN=${name}"`;
  },
} as const;
