import type { RedisAddress } from '@phantom-token/cache-redis';
import { z } from 'zod';

const form = /^(rediss?:\/\/)?(\[[\da-fA-F:.]+\]|[^\s/@:?#[\]]+)(?::(\d{1,5}))?$/;

const isAddress = (text: string): boolean => {
  const [, , host, port] = form.exec(text) ?? [];
  if (host === undefined || !URL.canParse(`redis://${host}`)) return false;
  return port === undefined || (Number(port) > 0 && Number(port) < 65_536);
};

/** A server as the file names it: a host and perhaps a port, or such a URL. IPv6 stands in brackets. */
export const redisAddress = z.string().refine(isAddress, {
  error: 'must be a host and a port, such as redis-1.example.com:6379',
});

/** The same as it is connected to. */
export function parseRedisAddress(text: string): RedisAddress {
  const [, scheme, host = '', port] = form.exec(text) ?? [];
  if (scheme !== undefined) return text;
  // brackets tell where the port begins and are no part of the address
  return { host: host.replace(/^\[|\]$/g, ''), ...(port !== undefined && { port: Number(port) }) };
}
