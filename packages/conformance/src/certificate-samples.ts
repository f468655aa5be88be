import { createHash } from 'node:crypto';
import { type CertificateFormat, proxyCertificate } from '@phantom-token/core/node';
import type { ExpectedAnswer } from './expected-answers.js';

/** RFC 8705, appendix A: a certificate, DER in base64, and its thumbprint. */
export const certificate =
  'MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAxODEyMzcwOVoXDTIyMDUwMjEyMzcwOVowDzENMAsGA1UEAwwE' +
  'bXRsczBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNcnyxwqV6hY8QnhxxzFQ03C7HKW9OylMbnQZjjJ/Au08/coZwxS7LfA4vOLS9WuneIXhbGG' +
  'WvsDSb0tH6IxLm8wCgYIKoZIzj0EAwIDSQAwRgIhAP0RC1E+vwJD/D1AGHGzuri+hlV/PpQEKTWUVeORWz83AiEA5x2eXZOVbUlJSGQgjwD5vaUa' +
  'KlLR50Q2DmFfQj1L+SY=';
export const thumbprint = 'A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0';

/** RFC 9440, appendix A: another certificate. */
export const otherCertificate =
  'MIIBqDCCAU6gAwIBAgIBBzAKBggqhkjOPQQDAjA6MRswGQYDVQQKDBJMZXQncyBBdXRoZW50aWNhdGUxGzAZBgNVBAMMEkxBIEludGVybWVkaWF0' +
  'ZSBDQTAeFw0yMDAxMTQyMjU1MzNaFw0yMTAxMjMyMjU1MzNaMA0xCzAJBgNVBAMMAkJDMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8YnXXfaU' +
  'gmnMtOXU/IncWalRhebrXmckC8vdgJ1p5Be5F/3YC8OthxM4+k1M6aEAEFcGzkJiNy6J84y7uzo9M6NyMHAwCQYDVR0TBAIwADAfBgNVHSMEGDAW' +
  'gBRm3WjLa38lbEYCuiCPct0ZaSED2DAOBgNVHQ8BAf8EBAMCBsAwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0RAQH/BBMwEYEPYmRjQGV4YW1w' +
  'bGUuY29tMAoGCCqGSM49BAMCA0gAMEUCIBHda/r1vaL6G3VliL4/Di6YK0Q6bMjeSkC3dFCOOB8TAiEAx/kHSB4urmiZ0NX5r5XarmPk0wmuydBV' +
  'oU4hBVZ1yhk=';

export type Field = readonly [name: string, value: string];

/** The header that a proxy of each kind makes of a certificate. */
export const written = {
  'client-cert': (base64: string): Field => ['Client-Cert', `:${base64}:`],
  nginx: (base64: string): Field => ['X-SSL-Client-Cert', escapedPem(base64)],
  envoy: (base64: string): Field => {
    const hash = createHash('sha256').update(base64, 'base64').digest('hex');
    const element = `By=;Hash=${hash};Cert="${escapedPem(base64)}";Subject="CN=mtls";URI=`;
    return ['X-Forwarded-Client-Cert', element];
  },
};

export const escapedPem = (base64: string) =>
  encodeURIComponent(
    `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`,
  );

export const right = written['client-cert'](certificate);
export const wrong = written['client-cert'](otherCertificate);

/** Requests come over the loopback: from the proxy, or not. */
export const fromProxy = ['127.0.0.0/8', '::1'];
export const fromElsewhere = ['192.0.2.0/24', '2001:db8::/32'];

export const behind = (trustedProxies: readonly string[], format: CertificateFormat = 'client-cert') =>
  proxyCertificate({
    format,
    trustedProxies,
    ...(format === 'nginx' && { header: 'X-SSL-Client-Cert' }),
  });

export const formats = ['client-cert', 'nginx', 'envoy'] as const;

export const words = 'the token is bound to a client certificate that was not presented';
export const notPresented: ExpectedAnswer = {
  status: 401,
  challenge: `Bearer realm="api", error="invalid_token", error_description="${words}"`,
  body: { error: 'invalid_token', error_description: words },
};
