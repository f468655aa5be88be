import { sendRequest } from '@phantom-token/conformance';
import { describe, expect, it } from 'vitest';
import { createForwarder } from '../src/index.js';
import { type Seen, startMirror, startProxy } from './servers.js';

const ask = async (url: string, fields: readonly (readonly [string, string])[]): Promise<Seen> =>
  JSON.parse((await sendRequest(url, { fields }).response).body);

describe('what a trusted proxy says about forwarding', () => {
  it('is believed in its own spelling only', async () => {
    const mirror = await startMirror();
    const proxy = await startProxy({ upstream: mirror.url, trustedProxies: ['127.0.0.0/8'] });
    const { fields } = await ask(proxy.url, [
      ['X-Forwarded-For', '10.1.1.1'],
      ['X_Forwarded_For', '6.6.6.6'],
      ['X.Forwarded.For', '6.6.6.6'],
      ['X-Forwarded_For', '6.6.6.6'],
      ['X-Real-IP', '10.1.1.1'],
      ['X_Real_IP', '6.6.6.6'],
      ['X.Real.IP', '6.6.6.6'],
      ['X_Forwarded_Proto', 'https'],
      ['X_Forwarded_Host', 'evil.example'],
    ]);
    const names = Object.keys(fields).filter((name) => /^x.(?:forwarded|real)/.test(name));
    expect(names.sort()).toEqual(['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip']);
    expect(JSON.stringify(fields)).not.toMatch(/6\.6\.6\.6|evil/);
    expect(fields['x-forwarded-proto']).toEqual(['http']);
  });
});

describe('trustedProxies', () => {
  it.each(['10.0.0.0/8/9', '10.0.0.0/', '10.0.0.0/8/', '10.0.0.0/+8', '10.0.0/8', '::/129', ''])(
    'does not take %j for a network',
    (network) => {
      expect(() => createForwarder({ upstream: 'http://a', trustedProxies: [network] })).toThrow(
        'trustedProxies',
      );
    },
  );
});

describe('Host', () => {
  it('is not lost to a client that nominates it in Connection', async () => {
    const mirror = await startMirror();
    const proxy = await startProxy({ upstream: mirror.url, preserveHost: true });
    const { fields } = await ask(proxy.url, [['Connection', 'host']]);
    expect(fields.host).toEqual([new URL(proxy.url).host]);
    expect(fields['x-forwarded-host']).toEqual(fields.host);
  });
});
