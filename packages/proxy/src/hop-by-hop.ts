// RFC 9110 §7.6.1, and what older clients send in its place
const alwaysHopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
  'proxy-authenticate',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'expect',
]);

// options that name no field, and fields that are gone anyway or that no message can do without
const notNominated = new Set([
  'close',
  'keep-alive',
  'upgrade',
  'te',
  'trailers',
  'http2-settings',
  'host',
  'content-length',
]);

/** Tells the fields of a message that are meant for this hop alone: the usual ones, and those its Connection names. */
export function createHopByHopTest(fields: readonly string[]): (lowerName: string) => boolean {
  const nominated = readNominated(fields);
  return nominated === undefined
    ? (lowerName) => alwaysHopByHop.has(lowerName)
    : (lowerName) => alwaysHopByHop.has(lowerName) || nominated.has(lowerName);
}

function readNominated(fields: readonly string[]): Set<string> | undefined {
  let nominated: Set<string> | undefined;
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] as string;
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue;
    for (const option of (fields[index + 1] as string).toLowerCase().split(',')) {
      const field = option.trim();
      if (field === '' || notNominated.has(field)) continue;
      nominated ??= new Set();
      nominated.add(field);
    }
  }
  return nominated;
}
