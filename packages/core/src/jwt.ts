import { base64url } from 'jose';
import { IntrospectionError } from './errors.js';
import { parseJsonObject } from './json-object.js';

const compactJws = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/**
 * Reads a JWT's payload without judging its signature (RFC 7519 §7.2): three segments of base64url, a JSON header with
 * an `alg` other than `none`, a JSON payload.
 * @throws {IntrospectionError} ERR_MALFORMED, or ERR_JWT_REFUSED for one that must never be forwarded.
 */
export function parseJwt(jwt: string): Record<string, unknown> {
  if (!compactJws.test(jwt)) throw malformed();
  const [head = '', body = ''] = jwt.split('.');
  const header = parseSegment(head);
  const payload = parseSegment(body);
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

function parseSegment(segment: string): Record<string, unknown> {
  try {
    return parseJsonObject(new TextDecoder('utf-8', { fatal: true }).decode(base64url.decode(segment)));
  } catch {
    throw malformed();
  }
}

const malformed = () =>
  new IntrospectionError('ERR_MALFORMED', 'the authorization server returned no well-formed JWT');
