import { base64url } from 'jose';
import { IntrospectionError } from './errors.js';
import { parseJsonObject } from './json-object.js';

/** A signed JWT as it is sent (RFC 7515 §7.1): three segments of base64url, none of them empty. */
export const compactJws = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The JSON object in a segment. @throws where there is none, or one that readers may understand in two ways. */
export const parseSegment = (segment: string) => parseJsonObject(utf8.decode(base64url.decode(segment)));

/**
 * Reads a JWT's payload without judging its signature (RFC 7519 §7.2): three segments of base64url, a JSON header with
 * an `alg` other than `none`, a JSON payload.
 * @throws {IntrospectionError} ERR_MALFORMED, or ERR_JWT_REFUSED for one that must never be forwarded.
 */
export function parseJwt(jwt: string): Record<string, unknown> {
  if (!compactJws.test(jwt)) throw malformed();
  const { header, payload } = parseSegments(jwt);
  if (typeof header.alg !== 'string' || header.alg === '')
    throw new IntrospectionError('ERR_JWT_REFUSED', 'the JWT names no algorithm');
  if (/^none$/i.test(header.alg)) throw new IntrospectionError('ERR_JWT_REFUSED', 'the JWT is not signed');
  if (/^(?:application\/)?token-introspection\+jwt$/i.test(String(header.typ))) {
    throw new IntrospectionError(
      'ERR_JWT_REFUSED',
      'the JWT is an introspection response, not an access token',
    );
  }
  return payload;
}

function parseSegments(jwt: string) {
  const [header = '', payload = ''] = jwt.split('.');
  try {
    return { header: parseSegment(header), payload: parseSegment(payload) };
  } catch {
    throw malformed();
  }
}

const malformed = () =>
  new IntrospectionError('ERR_MALFORMED', 'the authorization server returned no well-formed JWT');
