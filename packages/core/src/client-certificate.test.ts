import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  assertCertificate,
  type CertificateFormat,
  parseCertificateField,
  socketCertificate,
} from './client-certificate.js';

const read = (name: string) => readFileSync(new URL(`../test/tls/${name}.pem`, import.meta.url), 'utf8');

/** RFC 8705, appendix A: a certificate and the thumbprint that belongs to it. */
const sample = `-----BEGIN CERTIFICATE-----
MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAx
ODEyMzcwOVoXDTIyMDUwMjEyMzcwOVowDzENMAsGA1UEAwwEbXRsczBZMBMGByqG
SM49AgEGCCqGSM49AwEHA0IABNcnyxwqV6hY8QnhxxzFQ03C7HKW9OylMbnQZjjJ
/Au08/coZwxS7LfA4vOLS9WuneIXhbGGWvsDSb0tH6IxLm8wCgYIKoZIzj0EAwID
SQAwRgIhAP0RC1E+vwJD/D1AGHGzuri+hlV/PpQEKTWUVeORWz83AiEA5x2eXZOV
bUlJSGQgjwD5vaUaKlLR50Q2DmFfQj1L+SY=
-----END CERTIFICATE-----
`;
const x5t = 'A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0';
const hash = Buffer.from(x5t, 'base64url').toString('hex');
const der = new X509Certificate(sample).raw;
const escaped = encodeURIComponent(sample);
const base64 = der.toString('base64');

const other = encodeURIComponent(read('elsewhere'));
const otherHash = new X509Certificate(read('elsewhere')).fingerprint256.replaceAll(':', '');

const formats: readonly CertificateFormat[] = ['client-cert', 'nginx', 'envoy'];
const sequence = (length: number[], content: number) =>
  Buffer.from([0x30, ...length, ...Array(content).fill(0x5a)]).toString('base64');
const sha256 = async (bytes: string) =>
  Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(bytes, 'base64'))).toString('base64url');

describe('parseCertificateField', () => {
  it.each<[CertificateFormat, string, string]>([
    ['client-cert', 'a byte sequence', `:${base64}:`],
    ['client-cert', 'a byte sequence without padding', `:${base64.replace(/=+$/, '')}:`],
    ['client-cert', 'spaces around it', ` :${base64}:  `],
    ['nginx', 'escaped PEM', escaped],
    ['nginx', 'escapes in small letters', escaped.replace(/%\w\w/g, (code) => code.toLowerCase())],
    ['nginx', 'more escaped than needed', escaped.replaceAll('-', '%2D')],
    ['nginx', 'CRLF', encodeURIComponent(sample.replaceAll('\n', '\r\n'))],
    ['nginx', 'no line break at the end', encodeURIComponent(sample.trimEnd())],
    [
      'nginx',
      'one long line',
      encodeURIComponent(`-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----`),
    ],
    ['envoy', 'the hash alone', `Hash=${hash}`],
    ['envoy', 'a hash in capitals', `Hash=${hash.toUpperCase()}`],
    ['envoy', 'keys in any case', `hAsH=${hash};CERT="${escaped}"`],
    ['envoy', 'the certificate alone', `Cert="${escaped}"`],
    ['envoy', 'both', `By=spiffe://a/b;Hash=${hash};Cert="${escaped}"`],
    [
      'envoy',
      'names around them',
      `By=;Hash=${hash};Subject="O=\\"a,b\\";CN=x\\\\";URI=spiffe://x?a=b;DNS=a;DNS=b`,
    ],
    ['envoy', 'a chain', `Hash=${hash};Chain="${other}"`],
    ['envoy', 'a quoted separator before the hash', `Subject="x,Hash=${otherHash}";Hash=${hash}`],
  ])('finds the certificate of %s in %s', async (format, _title, value) => {
    expect(await parseCertificateField(format, value)).toBe(x5t);
  });

  const block = encodeURIComponent(sample.trimEnd());
  it.each<[CertificateFormat, string, string]>([
    ['client-cert', 'nothing', ''],
    ['client-cert', 'an empty byte sequence', '::'],
    ['client-cert', 'no colons', base64],
    ['client-cert', 'one colon', `:${base64}`],
    ['client-cert', 'a parameter', `:${base64}:;a=1`],
    ['client-cert', 'a list', `:${base64}:, :${base64}:`],
    ['client-cert', 'a string', `"${base64}"`],
    ['client-cert', 'base64url', `:${base64.replaceAll('+', '-').replaceAll('/', '_')}:`],
    ['client-cert', 'a space inside', `:${base64.slice(0, 40)} ${base64.slice(40)}:`],
    ['client-cert', 'padding inside', `:${base64}${base64}:`],
    ['client-cert', 'one character too many', `:${base64.replace(/=+$/, '')}A:`],
    ['client-cert', 'a tab before it', `\t:${base64}:`],
    ['client-cert', 'a byte after the DER', `:${Buffer.concat([der, Buffer.of(0)]).toString('base64')}:`],
    ['client-cert', 'a byte before the DER', `:${Buffer.concat([Buffer.of(0), der]).toString('base64')}:`],
    ['client-cert', 'a byte too few', `:${der.subarray(0, -1).toString('base64')}:`],
    ['client-cert', 'two certificates in a row', `:${Buffer.concat([der, der]).toString('base64')}:`],
    ['client-cert', 'PEM', `:${Buffer.from(sample).toString('base64')}:`],
    ['nginx', 'nothing', ''],
    ['nginx', 'a dash', '-'],
    ['nginx', 'PEM that is not escaped', sample],
    ['nginx', 'PEM folded with tabs', sample.replaceAll('\n', '\n\t')],
    ['nginx', 'plus for space', escaped.replaceAll('%20', '+')],
    ['nginx', 'base64 alone', encodeURIComponent(base64)],
    ['nginx', 'two certificates', `${escaped}${other}`],
    ['nginx', 'text before it', `x${escaped}`],
    ['nginx', 'text after it', `${escaped}x`],
    ['nginx', 'a line break before it', `%0A${escaped}`],
    ['nginx', 'two line breaks after it', `${escaped}%0A`],
    ['nginx', 'another label', escaped.replaceAll('CERTIFICATE', 'TRUSTED%20CERTIFICATE')],
    ['nginx', 'a broken escape', `${block}%0`],
    ['nginx', 'an escape of no character', `${block}%FF`],
    ['nginx', 'quotes', `"${escaped}"`],
    ['nginx', 'a comma', `${escaped},${escaped}`],
    ['envoy', 'nothing', ''],
    ['envoy', 'no pair', hash],
    ['envoy', 'neither', 'By=a;Subject="b";URI=c'],
    ['envoy', 'an empty hash', `Hash=`],
    ['envoy', 'a short hash', `Hash=${hash.slice(1)}`],
    ['envoy', 'a long hash', `Hash=${hash}0`],
    ['envoy', 'a hash that is not hex', `Hash=${hash.slice(1)}g`],
    ['envoy', 'an empty certificate', 'Cert=""'],
    ['envoy', 'a hash beside a broken certificate', `Hash=${hash};Cert="${escaped.slice(1)}"`],
    ['envoy', 'a broken hash beside a certificate', `Hash=x;Cert="${escaped}"`],
    ['envoy', 'a hash and the certificate of another', `Hash=${hash};Cert="${other}"`],
    ['envoy', 'two hashes', `Hash=${hash};URI=x;Hash=${otherHash}`],
    ['envoy', 'two hashes in two spellings', `Hash=${hash};hash=${hash}`],
    ['envoy', 'two certificates', `Cert="${escaped}";Cert="${escaped}"`],
    ['envoy', 'two elements', `Hash=${hash},Hash=${hash}`],
    ['envoy', 'an empty second element', `Hash=${hash},`],
    ['envoy', 'an empty first element', `,Hash=${hash}`],
    ['envoy', 'an element that a name brought', `Hash=${otherHash};URI=x,Hash=${hash}`],
    ['envoy', 'a semicolon at the end', `Hash=${hash};`],
    ['envoy', 'a space between pairs', `By=a; Hash=${hash}`],
    ['envoy', 'an open quote', `Hash=${hash};Subject="a`],
    ['envoy', 'text after a quote', `Hash=${hash};Subject="a"b`],
    ['envoy', 'a quote inside', `Hash=${hash};URI=a"b"`],
    ['envoy', 'an escaped closing quote', `Subject="a\\";Hash=${hash}`],
  ])('finds no certificate of %s in %s', async (format, _title, value) => {
    expect(await parseCertificateField(format, value)).toBeUndefined();
  });

  it('takes a longer certificate, and none beyond 16 KiB', async () => {
    const certificate = sequence([0x82, 0x2f, 0xf0], 0x2ff0);
    const value = `:${certificate}:`;
    const room = ' '.repeat(16 * 1024 - value.length);
    expect(await parseCertificateField('client-cert', value + room)).toBe(await sha256(certificate));
    expect(await parseCertificateField('client-cert', `${value + room} `)).toBeUndefined();
  });

  it.each<[string, number[], number, boolean]>([
    ['short form', [0x7f], 0x7f, true],
    ['one octet', [0x81, 0x80], 0x80, true],
    ['two octets', [0x82, 0x01, 0x00], 0x100, true],
    ['one octet where none is needed', [0x81, 0x7f], 0x7f, false],
    ['two octets where one is needed', [0x82, 0x00, 0x80], 0x80, false],
    ['no end', [0x80], 0x80, false],
    ['no end and its mark', [0x80], 0, false],
    ['more octets than there are', [0xff, 0x01], 4, false],
    ['a length and nothing else', [0x82], 0, false],
    ['no length', [], 0, false],
    ['short form, more bytes', [0x01], 2, false],
    ['short form, fewer bytes', [0x03], 2, false],
    ['two octets, more bytes', [0x82, 0x01, 0x00], 0x101, false],
    ['two octets, fewer bytes', [0x82, 0x01, 0x00], 0xff, false],
  ])('judges a sequence with %s', async (_title, length, content, whole) => {
    const bytes = sequence(length, content);
    const expected = whole ? await sha256(bytes) : undefined;
    expect(await parseCertificateField('client-cert', `:${bytes}:`)).toBe(expected);
  });

  it('refuses what is no sequence', async () => {
    const set = Buffer.from(der);
    set[0] = 0x31;
    expect(await parseCertificateField('client-cert', `:${set.toString('base64')}:`)).toBeUndefined();
  });

  const pieces = fc.constantFrom(
    ...[
      ':',
      base64,
      base64.slice(9),
      escaped,
      other,
      hash,
      otherHash,
      'Hash=',
      'Cert=',
      'URI=',
      '"',
      '\\',
      ';',
      ',',
    ],
    ...[
      '%',
      '%0A',
      '%00',
      '%ff',
      '-----BEGIN CERTIFICATE-----',
      '-----END CERTIFICATE-----',
      ' ',
      '=',
      '\n',
      '\ud800',
    ],
  );
  const values = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join('')),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => `:${Buffer.from(bytes).toString('base64')}:`),
  );

  it('never throws, and finds at most one of the certificates that are there', async () => {
    const thumbprints = [x5t, Buffer.from(otherHash, 'hex').toString('base64url'), undefined];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...formats), values, async (format, value) => {
        const found = await parseCertificateField(format, value);
        if (value.includes(base64) || format !== 'client-cert') expect(thumbprints).toContain(found);
        else if (found !== undefined) expect(value).toMatch(/^ *:.+: *$/s);
      }),
      { numRuns: 2000 },
    );
  });

  it('refuses a certificate with any one character changed, or finds another', async () => {
    const value = `:${base64}:`;
    await fc.assert(
      fc.asyncProperty(
        fc.nat(value.length - 1),
        fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
        async (at, character) => {
          fc.pre(value[at] !== character);
          const changed = value.slice(0, at) + character + value.slice(at + 1);
          // the last character before the padding has two bits that mean nothing
          fc.pre(
            Buffer.compare(Buffer.from(changed, 'base64'), Buffer.from(value, 'base64')) !== 0 ||
              !/^:[\w+/=]+:$/.test(changed),
          );
          expect(await parseCertificateField('client-cert', changed)).not.toBe(x5t);
        },
      ),
    );
  });
});

describe('socketCertificate', () => {
  it('gives the thumbprint of the bytes', async () => {
    expect(await socketCertificate.thumbprint({ clientCertificate: der })).toBe(x5t);
    const shared = new Uint8Array(new SharedArrayBuffer(der.length + 2)).subarray(1, -1);
    shared.set(der);
    expect(await socketCertificate.thumbprint({ clientCertificate: shared })).toBe(x5t);
  });

  it.each([{}, { clientCertificate: undefined }, { clientCertificate: new Uint8Array() }])(
    'gives nothing for %j, whatever the headers say',
    (request) => {
      const field = () => [`:${base64}:`];
      expect(socketCertificate.thumbprint({ ...request, peerAddress: '127.0.0.1', field })).toBeUndefined();
    },
  );
});

describe('assertCertificate', () => {
  it('passes the thumbprint that the token is bound to', () => {
    expect(() => assertCertificate(x5t, x5t)).not.toThrow();
  });

  it.each<[string, unknown, string | undefined]>([
    ['no certificate', x5t, undefined],
    ['another certificate', x5t, 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2'],
    ['another case', x5t, x5t.toLowerCase()],
    ['padding', `${x5t}=`, `${x5t}=`],
    ['hex', hash, hash],
    ['nothing on either side', '', ''],
    ['no binding', undefined, undefined],
    ['a binding that is no string', [x5t], x5t],
  ])('refuses %s', (_title, bound, thumbprint) => {
    expect(() => assertCertificate(bound, thumbprint)).toThrow(
      expect.objectContaining({ code: 'ERR_CERTIFICATE', status: 401, error: 'invalid_token' }),
    );
  });
});
