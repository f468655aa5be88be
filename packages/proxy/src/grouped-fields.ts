// lists that HTTP/2's responses of Node take as one value only
const joined = new Set(['content-encoding', 'content-language', 'if-match', 'if-none-match']);

// fields with one value, of which such a response takes no second one
const single = new Set([
  'access-control-allow-credentials',
  'access-control-max-age',
  'access-control-request-method',
  'age',
  'authorization',
  'content-length',
  'content-location',
  'content-md5',
  'content-range',
  'content-type',
  'date',
  'dnt',
  'etag',
  'expires',
  'from',
  'host',
  'if-modified-since',
  'if-range',
  'if-unmodified-since',
  'last-modified',
  'location',
  'max-forwards',
  'proxy-authorization',
  'range',
  'referer',
  'retry-after',
  'tk',
  'upgrade-insecure-requests',
  'user-agent',
  'x-content-type-options',
]);

/** Names and values in turn as an object, for HTTP/2's responses: they take several values of a field together only. */
export function groupFields(fields: readonly string[]): Record<string, string | string[]> {
  const grouped: Record<string, string | string[]> = Object.create(null);
  for (let index = 0; index < fields.length; index += 2) {
    const name = (fields[index] as string).toLowerCase();
    const value = fields[index + 1] as string;
    const before = grouped[name];
    if (before === undefined) grouped[name] = value;
    else if (joined.has(name)) grouped[name] = `${before}, ${value}`;
    else if (!single.has(name)) grouped[name] = [...[before].flat(), value];
  }
  return grouped;
}
