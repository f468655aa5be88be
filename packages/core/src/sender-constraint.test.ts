import { describe, expect, it, vi } from 'vitest';
import { BearerError } from './errors.js';
import { assertSender, type SenderOptions } from './sender-constraint.js';

const certificate = 'A'.repeat(43);
const bearer = { scheme: 'Bearer', token: 't' } as const;
const dpop = { scheme: 'DPoP', token: 't' } as const;
const request = { method: 'GET', url: '/', dpop: 'proof' };
const proven = { nonce: 'next' };

function setUp(thumbprint: string | undefined = certificate) {
  const verify = vi.fn(async () => proven);
  const options: SenderOptions = {
    dpop: { algorithms: ['ES256'], verify },
    clientCertificate: { thumbprint: vi.fn(() => thumbprint) },
    now: () => 1_800_000_000,
  };
  return { options, verify };
}

const refusal = (code: string) => expect.objectContaining({ name: 'BearerError', code, status: 401 });
const judge = async (...args: Parameters<typeof assertSender>) => assertSender(...args);

describe('the sender of a token', () => {
  it('is not asked for proof of an unbound bearer token, at once', () => {
    const { options } = setUp();
    expect(assertSender({}, bearer, request, options)).toBeUndefined();
    expect(assertSender({ cnf: {} }, bearer, request, options)).toBeUndefined();
    expect(options.clientCertificate.thumbprint).not.toHaveBeenCalled();
  });

  it('proves a key with the request and the presented token', async () => {
    const { options, verify } = setUp();
    expect(await judge({ cnf: { jkt: 'key' } }, dpop, request, options)).toBe(proven);
    expect(verify).toHaveBeenCalledWith({ ...request, token: 't', jkt: 'key' }, 1_800_000_000);
    expect(options.clientCertificate.thumbprint).not.toHaveBeenCalled();
  });

  it('proves a certificate', async () => {
    const { options, verify } = setUp();
    expect(await judge({ cnf: { 'x5t#S256': certificate } }, bearer, request, options)).toBeUndefined();
    expect(verify).not.toHaveBeenCalled();
  });

  it('proves both where the token is bound to both, the certificate first', async () => {
    const cnf = { jkt: 'key', 'x5t#S256': certificate };
    const good = setUp();
    expect(await judge({ cnf }, dpop, request, good.options)).toBe(proven);
    const other = setUp('B'.repeat(43));
    await expect(judge({ cnf }, dpop, request, other.options)).rejects.toThrow(refusal('ERR_CERTIFICATE'));
    expect(other.verify).not.toHaveBeenCalled();
    const bad = setUp();
    bad.verify.mockRejectedValue(new BearerError('ERR_DPOP_PROOF'));
    await expect(judge({ cnf }, dpop, request, bad.options)).rejects.toThrow(refusal('ERR_DPOP_PROOF'));
  });

  it.each([
    ['a key presented as Bearer', { jkt: 'key' }, bearer, 'ERR_DPOP_MISSING'],
    ['nothing presented as DPoP', undefined, dpop, 'ERR_DPOP_KEY'],
    ['a certificate presented as DPoP', { 'x5t#S256': certificate }, dpop, 'ERR_DPOP_KEY'],
    ['a key that is no string', { jkt: 1 }, dpop, 'ERR_SENDER_CONSTRAINED'],
    ['an empty key', { jkt: '' }, dpop, 'ERR_SENDER_CONSTRAINED'],
    ['a certificate that is no string', { 'x5t#S256': {} }, bearer, 'ERR_SENDER_CONSTRAINED'],
    ['something else', { kid: 'k' }, bearer, 'ERR_SENDER_CONSTRAINED'],
    ['something else beside a key', { jkt: 'key', jwk: {} }, dpop, 'ERR_SENDER_CONSTRAINED'],
  ])('is refused where the token is bound to %s', async (_title, cnf, presented, code) => {
    const { options, verify } = setUp();
    await expect(judge(cnf === undefined ? {} : { cnf }, presented, request, options)).rejects.toThrow(
      refusal(code),
    );
    expect(verify).not.toHaveBeenCalled();
  });

  it('is refused where no certificate was presented', async () => {
    const { options } = setUp();
    options.clientCertificate.thumbprint = async () => undefined;
    await expect(judge({ cnf: { 'x5t#S256': certificate } }, bearer, request, options)).rejects.toThrow(
      refusal('ERR_CERTIFICATE'),
    );
  });

  it.each([bearer, dpop])('is refused for a key where nothing reads proofs: $scheme', async (presented) => {
    const { options } = setUp();
    await expect(
      judge({ cnf: { jkt: 'key' } }, presented, request, { ...options, dpop: undefined }),
    ).rejects.toThrow(refusal('ERR_SENDER_CONSTRAINED'));
  });

  it.each([{}, { cnf: {} }, { cnf: { 'x5t#S256': certificate } }])(
    'must prove a key of %j where that is required',
    async (claims) => {
      const { options, verify } = setUp();
      const required = { ...options, dpop: { algorithms: ['ES256'], verify, required: true } };
      for (const presented of [bearer, dpop])
        await expect(judge(claims, presented, request, required)).rejects.toThrow(refusal('ERR_DPOP_KEY'));
      expect(await judge({ cnf: { jkt: 'key' } }, dpop, request, required)).toBe(proven);
    },
  );
});
