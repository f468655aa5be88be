import { describe, expect, it } from 'vitest';
import { createNetworkTest, isNetwork } from './network-list.js';

describe('isNetwork', () => {
  it.each([
    '10.0.0.1',
    '10.0.0.0/8',
    '0.0.0.0/0',
    '10.0.0.1/32',
    '::1',
    'fe80::/10',
    '::/0',
    '::1/128',
    '::ffff:10.0.0.0/104',
  ])('knows %s', (text) => expect(isNetwork(text)).toBe(true));

  it.each([
    '',
    'localhost',
    '10.0.0',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10.0.0.0/8 ',
    '::/129',
    'fe80::1%eth0',
    '10.0.0.0/x',
    '10.0.0.0-10.0.0.9',
  ])('refuses %j', (text) => expect(isNetwork(text)).toBe(false));
});

describe('createNetworkTest', () => {
  const isInside = createNetworkTest([
    '10.0.0.0/8',
    '192.0.2.7',
    'fd00::/8',
    '2001:db8::1',
    '::ffff:172.16.0.0/108',
  ]);

  it.each([
    '10.0.0.1',
    '10.255.255.255',
    '192.0.2.7',
    '::ffff:10.0.0.1',
    '::FFFF:0a00:1',
    '::ffff:192.0.2.7',
    'fd12::1',
    '2001:db8::1',
    '2001:DB8:0::1',
    '172.31.0.1',
    '::ffff:172.16.0.1',
  ])('finds %s inside', (address) => expect(isInside(address)).toBe(true));

  it.each([
    '11.0.0.1',
    '9.255.255.255',
    '192.0.2.8',
    '::ffff:11.0.0.1',
    '::10.0.0.1',
    'fe00::1',
    '2001:db8::2',
    '172.32.0.1',
    '::1',
    '127.0.0.1',
    '',
    'unknown',
    '10.0.0.1, 8.8.8.8',
    undefined,
  ])('finds %s outside', (address) => expect(isInside(address)).toBe(false));
});
