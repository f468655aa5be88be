import { describe, expect, it, vi } from 'vitest';
import { thumbprints, written } from '../test/certificates.js';
import type { CertificateRequest } from './client-certificate.js';
import { type ProxyCertificateOptions, proxyCertificate } from './proxy-certificate.js';

const trusted = '10.0.0.7';
const options = { format: 'client-cert', trustedProxies: ['10.0.0.0/8', '127.0.0.1', '::1'] } as const;

function request(fields: Record<string, readonly string[]>, peerAddress: string | undefined = trusted) {
  return { peerAddress, field: (name: string) => fields[name] ?? [] } satisfies CertificateRequest;
}

describe('proxyCertificate', () => {
  it.each([
    ['client-cert', 'Client-Cert', undefined],
    ['client-cert', 'X-Client-Cert', 'X-Client-Cert'],
    ['nginx', 'X-SSL-Client-Cert', 'X-SSL-Client-Cert'],
    ['envoy', 'X-Forwarded-Client-Cert', undefined],
    ['envoy', 'X-Client', 'x-client'],
  ] as const)('reads what %s writes into %s', async (format, name, header) => {
    const source = proxyCertificate({ ...options, format, ...(header && { header }) });
    for (const client of ['client', 'elsewhere'] as const) {
      const fields = { [name.toLowerCase()]: [written[format](client)] };
      expect(await source.thumbprint(request(fields))).toBe(thumbprints[client]);
    }
    expect(source.thumbprint(request({}))).toBeUndefined();
  });

  it('takes two fields for none', async () => {
    const text = written['client-cert']('client');
    const source = proxyCertificate(options);
    expect(await source.thumbprint(request({ 'client-cert': [text] }))).toBe(thumbprints.client);
    expect(await source.thumbprint(request({ 'client-cert': [text, text] }))).toBeUndefined();
    expect(await source.thumbprint(request({ 'client-cert': [text, ''] }))).toBeUndefined();
    expect(await source.thumbprint(request({ 'client-cert': ['', text] }))).toBeUndefined();
    expect(await source.thumbprint(request({ 'client-cert': [`${text}, ${text}`] }))).toBeUndefined();
  });

  it.each(['10.0.0.7', '::ffff:10.0.0.7', '::FFFF:0a00:7', '127.0.0.1', '::1'])(
    'believes the proxy at %s',
    async (address) => {
      const fields = { 'client-cert': [written['client-cert']('client')] };
      const source = proxyCertificate(options);
      expect(await source.thumbprint(request(fields, address))).toBe(thumbprints.client);
      // and again, when the text is known already
      expect(await source.thumbprint(request(fields, address))).toBe(thumbprints.client);
    },
  );

  it.each(['11.0.0.7', '127.0.0.2', '::ffff:11.0.0.7', '::2', 'fe80::1%lo', '', 'unix', undefined])(
    'looks at no header of %j, even where it has seen the certificate before',
    async (peerAddress) => {
      const source = proxyCertificate(options);
      const fields = { 'client-cert': [written['client-cert']('client')] };
      await source.thumbprint(request(fields));
      const field = vi.fn(request(fields).field);
      expect(source.thumbprint({ peerAddress, field })).toBeUndefined();
      expect(field).not.toHaveBeenCalled();
    },
  );

  it('finds nothing in a request whose fields it cannot see', () => {
    expect(proxyCertificate(options).thumbprint({ peerAddress: trusted })).toBeUndefined();
  });

  it('answers at once for a certificate that it has seen', async () => {
    const source = proxyCertificate({ ...options, format: 'envoy' });
    const fields = { 'x-forwarded-client-cert': [written.envoy('client')] };
    await source.thumbprint(request(fields));
    expect(source.thumbprint(request(fields))).toBe(thumbprints.client);
  });

  it.each<[string, object]>([
    ['format', { ...options, format: undefined }],
    ['format', { ...options, format: 'apache' }],
    ['format', { ...options, format: 'toString' }],
    ['header', { ...options, format: 'nginx' }],
    ['header', { ...options, header: '' }],
    ['header', { ...options, header: 'X Client' }],
    ['header', { ...options, header: 'X-Client:' }],
    ['header', { ...options, header: 1 }],
    ['trustedProxies', { format: 'client-cert' }],
    ['trustedProxies', { ...options, trustedProxies: [] }],
    ['trustedProxies', { ...options, trustedProxies: '10.0.0.0/8' }],
    ['trustedProxies', { ...options, trustedProxies: ['10.0.0.0/8', 'localhost'] }],
    ['trustedProxies', { ...options, trustedProxies: ['10.0.0.0/40'] }],
    ['trusted', { ...options, trusted: [] }],
    ['options', null as unknown as object],
  ])('refuses a wrong %s', (name, wrong) => {
    const make = () => proxyCertificate(wrong as ProxyCertificateOptions);
    expect(make).toThrow(TypeError);
    expect(make).toThrow(name);
  });
});
