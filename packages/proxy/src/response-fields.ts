import { createHopByHopTest } from './hop-by-hop.js';

// what would change how the message is framed or trusted must not come after it
const neverTrailers = new Set([
  'content-length',
  'content-encoding',
  'content-type',
  'content-range',
  'host',
  'authorization',
  'set-cookie',
  'cache-control',
  'www-authenticate',
]);

/** Whether the body is coded in a way that another hop may read differently; no more than chunks are asked for. */
export function isDoubtful(raw: readonly (string | Buffer)[]): boolean {
  let codings = 0;
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] as string | Buffer;
    if (name.length !== 17 || name.toString('latin1').toLowerCase() !== 'transfer-encoding') continue;
    codings++;
    if (
      String(raw[index + 1])
        .trim()
        .toLowerCase() !== 'chunked'
    )
      return true;
  }
  return codings > 1;
}

/** Whether no body follows, whatever length is stated (RFC 9112 §6.3). */
export const isBodiless = (status: number) => status === 204 || status === 304;

/**
 * The upstream's fields for the client, names and values in turn, without those meant for the hop behind us, and without
 * a length where no body follows.
 */
export function buildResponseFields(raw: readonly (string | Buffer)[], status = 200): string[] {
  const received = raw.map((bytes) => bytes.toString('latin1'));
  const isHopByHop = createHopByHopTest(received);
  const fields: string[] = [];
  for (let index = 0; index < received.length; index += 2) {
    const name = received[index] as string;
    const lowerName = name.toLowerCase();
    if (isHopByHop(lowerName) || (lowerName === 'content-length' && isBodiless(status))) continue;
    fields.push(name, received[index + 1] as string);
  }
  return fields;
}

/** The upstream's trailers that may be passed on (RFC 9110 §6.5.1), names and values in turn. */
export function buildTrailers(raw: readonly (string | Buffer)[]): string[] {
  const fields = buildResponseFields(raw);
  const trailers: string[] = [];
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] as string;
    if (!neverTrailers.has(name.toLowerCase())) trailers.push(name, fields[index + 1] as string);
  }
  return trailers;
}
