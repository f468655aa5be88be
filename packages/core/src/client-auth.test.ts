import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clientSecretBasic, clientSecretPost } from './client-auth.js';

async function sent(auth: ReturnType<typeof clientSecretBasic>) {
  const headers = new Headers();
  const body = new URLSearchParams();
  await auth.authenticate(headers, body, { endpoint: 'https://as.example', issuer: undefined, now: 0 });
  const basic = headers.get('Authorization')?.replace(/^Basic /, '');
  return { basic: basic === undefined ? undefined : Buffer.from(basic, 'base64').toString(), body };
}

describe('clientSecretBasic', () => {
  it('form-encodes id and secret and leaves unreserved characters alone', async () => {
    const { basic } = await sent(clientSecretBasic('a-b._~c', "p:w d+%&=!'()*é"));
    expect(basic).toBe('a-b._~c:p%3Aw+d%2B%25%26%3D%21%27%28%29%2A%C3%A9');
  });

  it('can be decoded by a form decoder, whatever the secret', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', minLength: 1 }), async (secret) => {
        const { basic } = await sent(clientSecretBasic('id', secret));
        expect(new URLSearchParams(`s=${basic?.slice('id:'.length)}`).get('s')).toBe(secret);
      }),
    );
  });

  it('sends plain values where asked to', async () => {
    expect((await sent(clientSecretBasic('id', 'p w:é', { encoding: 'raw' }))).basic).toBe('id:p w:é');
  });

  it.each([
    ['clientId', () => clientSecretBasic('', 's')],
    ['clientSecret', () => clientSecretBasic('id', '')],
    ['clientSecret', () => clientSecretBasic('id', undefined as unknown as string)],
    ['clientSecret', () => clientSecretBasic('id', '\ud800')],
    ['clientId', () => clientSecretBasic('a:b', 's', { encoding: 'raw' })],
    ['encoding', () => clientSecretBasic('id', 's', { encoding: 'hex' as 'raw' })],
    ['encodng', () => clientSecretBasic('id', 's', { encodng: 'raw' } as object)],
  ])('refuses a wrong %s', (name, make) => {
    expect(make).toThrow(TypeError);
    expect(make).toThrow(name);
  });
});

describe('clientSecretPost', () => {
  it('puts id and secret into the form', async () => {
    const { basic, body } = await sent(clientSecretPost('i&d', 's=x'));
    expect(basic).toBeUndefined();
    expect(body.toString()).toBe('client_id=i%26d&client_secret=s%3Dx');
  });

  it.each([
    ['clientId', () => clientSecretPost('', 's')],
    ['clientSecret', () => clientSecretPost('id', '')],
  ])('refuses an empty %s', (name, make) => expect(make).toThrow(name));
});

it('shows no secret to whoever looks at it', () => {
  for (const auth of [clientSecretBasic('id', 'sesame'), clientSecretPost('id', 'sesame')]) {
    expect(inspect(auth, { showHidden: true, depth: 9 })).not.toMatch(/sesame|c2VzYW1l/);
    expect(JSON.stringify(auth)).not.toContain('sesame');
  }
});
