import { createHash } from 'node:crypto';
import type { CertificateFormat } from '@phantom-token/core/node';
import { jwt } from '../answers.js';
import { row } from '../case-forms.js';
import {
  behind,
  certificate,
  escapedPem,
  type Field,
  fromProxy,
  notPresented,
  otherCertificate,
  right,
  thumbprint,
  written,
} from '../certificate-samples.js';
import { goodClaims } from '../jwt-samples.js';

const boundTo = (bound: string) => jwt({ ...goodClaims, cnf: { 'x5t#S256': bound } });

const clientCert = (value: string): Field => ['Client-Cert', value];
const nginx = (value: string): Field => ['X-SSL-Client-Cert', value];
const envoy = (value: string): Field => ['X-Forwarded-Client-Cert', value];

const [, own] = written.envoy(certificate);
const [, other] = written.envoy(otherCertificate);
const hashOf = (base64: string) => `Hash=${createHash('sha256').update(base64, 'base64').digest('hex')}`;
const certOf = (base64: string) => `Cert="${escapedPem(base64)}"`;
const [hash, cert] = [hashOf(certificate), certOf(certificate)];
const bare = decodeURIComponent(escapedPem(certificate)).replaceAll('\n', ' ');

type Written = readonly [what: string, format: CertificateFormat, field: Field];

const odd: readonly Written[] = [
  ['two elements', 'envoy', envoy(`${own},${other}`)],
  ['two elements, ours the last', 'envoy', envoy(`${other},${own}`)],
  ['two hashes', 'envoy', envoy(`${hashOf(otherCertificate)};${hash}`)],
  ['two certificates', 'envoy', envoy(`${certOf(otherCertificate)};${cert}`)],
  ["a hash beside another's certificate", 'envoy', envoy(`${hash};${certOf(otherCertificate)}`)],
  ['a hash that breaks off', 'envoy', envoy(hash.slice(0, -1))],
  ['a hash that goes on', 'envoy', envoy(`${hash}0`)],
  ['a certificate without colons', 'client-cert', clientCert(certificate)],
  ['two certificates in a list', 'client-cert', clientCert(`:${certificate}:, :${certificate}:`)],
  ['PEM that is not escaped', 'nginx', nginx(bare)],
  ['two blocks of PEM', 'nginx', nginx(escapedPem(certificate).repeat(2))],
];

const spelled: readonly Written[] = [
  ['the hash alone', 'envoy', envoy(hash)],
  ['the certificate alone', 'envoy', envoy(cert)],
  ['names in lower case', 'envoy', envoy(`by=x;${hash.toLowerCase()}`)],
];

/** Bytes that are no certificate, and so bind nothing, whatever their digest. */
const noCertificates: readonly (readonly [what: string, bytes: Buffer])[] = [
  ['no DER', Buffer.from('no certificate')],
  ['a certificate that breaks off', Buffer.from(certificate, 'base64').subarray(0, -1)],
  [
    'a certificate with a byte after it',
    Buffer.concat([Buffer.from(certificate, 'base64'), Buffer.alloc(1)]),
  ],
];

/** How proxies write certificates, and what is none. */
export const certificateFieldCases = [
  ...odd.map(([what, format, field]) =>
    row(`a header of ${format} with ${what} holds no certificate: 401`, {
      says: boundTo(thumbprint),
      adapter: { clientCertificate: behind(fromProxy, format) },
      sends: { fields: [field] },
      gets: notPresented,
    }),
  ),
  ...spelled.map(([what, format, field]) =>
    row(`a header of ${format} with ${what} holds the certificate`, {
      says: boundTo(thumbprint),
      adapter: { clientCertificate: behind(fromProxy, format) },
      sends: { fields: [field] },
    }),
  ),
  ...noCertificates.map(([what, bytes]) =>
    row(`${what} is not the certificate of a token that is bound to its digest: 401`, {
      says: boundTo(createHash('sha256').update(bytes).digest('base64url')),
      adapter: { clientCertificate: behind(fromProxy) },
      sends: { fields: [clientCert(`:${bytes.toString('base64')}:`)] },
      gets: notPresented,
    }),
  ),
  row("a thumbprint that is no digest is nobody's, whatever a source says: 401", {
    says: boundTo('anything'),
    adapter: { clientCertificate: { thumbprint: () => 'anything' } },
    sends: { fields: [right] },
    gets: notPresented,
  }),
];
