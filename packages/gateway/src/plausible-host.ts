/** A name or an address, and perhaps a port (RFC 3986 §3.2); empty where the target has no host. */
const hostAndPort = /^(?:(?:[\w\-.~%!$&'()*+;=]+|\[[\da-f:.]+\])(?::(\d{0,5}))?)?$/i;

/** Whether this may be what a Host field or `:authority` says. */
export function isPlausibleHost(value: string): boolean {
  const match = hostAndPort.exec(value);
  return match !== null && Number(match[1] ?? 0) <= 65_535;
}
