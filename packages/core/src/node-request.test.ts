import { expect, it, vi } from 'vitest';
import { NodeRequest } from './node-request.js';

const rawHeaders = ['Authorization', 'a', 'DPoP', 'p', 'X-Cert', '1', 'x-cert', '2', 'dpop', 'q'];

it('has the parts of a message that decide, each field with all its values', () => {
  const request = new NodeRequest({ method: 'GET', url: '/a?b', rawHeaders });
  expect(request).toMatchObject({ method: 'GET', url: '/a?b' });
  expect([request.authorization, request.dpop]).toEqual(['a', ['p', 'q']]);
  expect([request.field('x-cert'), request.field('x-none')]).toEqual([['1', '2'], []]);
  expect([request.clientCertificate, request.peerAddress]).toEqual([undefined, undefined]);
});

it('has the whole URL where the framework has shortened it', () =>
  expect(new NodeRequest({ url: '/a', rawHeaders }, undefined, '/mounted/a').url).toBe('/mounted/a'));

it('looks at the connection only when asked', () => {
  const raw = new Uint8Array([1]);
  const getPeerX509Certificate = vi.fn(() => ({ raw }));
  const socket = { remoteAddress: '192.0.2.1', getPeerX509Certificate };
  const request = new NodeRequest({ rawHeaders, socket });
  expect(getPeerX509Certificate).not.toHaveBeenCalled();
  expect([request.clientCertificate, request.peerAddress]).toEqual([raw, '192.0.2.1']);
});

it('has no certificate where the client presented none', () => {
  const socket = { getPeerX509Certificate: () => undefined };
  expect(new NodeRequest({ rawHeaders, socket }).clientCertificate).toBeUndefined();
});
