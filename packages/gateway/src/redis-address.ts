import type { RedisAddress } from '@phantom-token/cache-redis';

const form = /^(rediss?:\/\/)?(\[[\da-fA-F:.]+\]|[^\s/@:?#[\]]+)(?::(\d{1,5}))?$/;

/** Whether a text names a server: a host and perhaps a port, or such a URL. IPv6 stands in brackets. */
export const isRedisAddress = (text: string): boolean => {
  const [, , host, port] = form.exec(text) ?? [];
  if (host === undefined || !URL.canParse(`redis://${host}`)) return false;
  return port === undefined || (Number(port) > 0 && Number(port) < 65_536);
};

/** The server that a text names, as it is connected to. */
export function parseRedisAddress(text: string): RedisAddress {
  const [, scheme, host = '', port] = form.exec(text) ?? [];
  if (scheme !== undefined) return text;
  // brackets tell where the port begins and are no part of the address
  return { host: host.replace(/^\[|\]$/g, ''), ...(port !== undefined && { port: Number(port) }) };
}
