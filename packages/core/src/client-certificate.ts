import { base64url } from 'jose';
import { sha256 } from './cache-key.js';
import { BearerError } from './errors.js';

/** The parts of a request from which a client certificate may be read. Getters, or absent where the runtime has none. */
export interface CertificateRequest {
  /** DER, from the TLS connection that the request came over. */
  readonly clientCertificate?: Uint8Array | undefined;
  /** The address at the other end of that connection, without port. */
  readonly peerAddress?: string | undefined;
  /** Every value of a header field, each line apart; the name in lower case. */
  field?(name: string): readonly string[];
}

/** Where the client's certificate is found. It is asked for certificate-bound tokens only (RFC 8705 §3). */
export interface CertificateSource {
  /**
   * The `x5t#S256` of the certificate that the client has proved to hold: SHA-256 over its DER, base64url without
   * padding. `undefined` where there is none, or none that can be believed.
   */
  thumbprint(request: CertificateRequest): string | undefined | Promise<string | undefined>;
}

/** The certificate of the TLS connection itself: for servers that end TLS themselves. The default. */
export const socketCertificate: CertificateSource = Object.freeze({
  thumbprint: ({ clientCertificate }: CertificateRequest) =>
    clientCertificate?.length ? sha256(clientCertificate) : undefined,
});

const sha256InBase64url = /^[\w-]{43}$/;

/**
 * A plain comparison does: both are hashes of what is public.
 * @param bound The token's `cnf["x5t#S256"]`.
 * @throws {BearerError} ERR_CERTIFICATE unless the thumbprint is the one that the token is bound to (RFC 8705 §3.1).
 */
export function assertCertificate(bound: unknown, thumbprint: string | undefined): void {
  if (bound === thumbprint && sha256InBase64url.test(thumbprint ?? '')) return;
  throw new BearerError('ERR_CERTIFICATE');
}

/** How a proxy that ends TLS hands the client's certificate on; see `parseCertificateField`. */
export type CertificateFormat = 'client-cert' | 'nginx' | 'envoy';

/** The longest header value that is looked at. Characters; a certificate with a 4096-bit key needs about 3000. */
const maxLength = 16 * 1024;

/**
 * The thumbprint of the one certificate in a proxy's header. Nothing else may be in the value, and what comes before
 * or after the certificate's DER refuses it.
 * - `client-cert`: a Byte Sequence without parameters (RFC 9440 §2.2, RFC 9651 §3.3.5).
 * - `nginx`: percent-encoded PEM (RFC 7468 §5), as `$ssl_client_escaped_cert` has it. Empty where there is no certificate.
 * - `envoy`: `Hash` and `Cert` of the only element of an `x-forwarded-client-cert`; at least one, and where both are
 *   there, they must agree. Envoy writes the names in a certificate as they are, so that whoever chooses them can add
 *   pairs and elements behind the real ones: several elements are no certificate, nor are two of a pair. One element
 *   is what Envoy sends with `forward_client_cert_details: SANITIZE_SET`.
 * @returns `undefined` for whatever is not exactly that.
 */
export async function parseCertificateField(
  format: CertificateFormat,
  value: string,
): Promise<string | undefined> {
  return value.length > maxLength ? undefined : parsers[format](value);
}

const parsers: Record<CertificateFormat, (value: string) => Promise<string | undefined>> = {
  'client-cert': parseClientCert,
  nginx: parseEscapedPem,
  envoy: parseForwardedCertificate,
};

const byteSequence = /^ *:([A-Za-z0-9+/]*={0,2}): *$/;

async function parseClientCert(value: string): Promise<string | undefined> {
  return digestBase64(byteSequence.exec(value)?.[1]);
}

const percentEncoded = /^(?:[\w.~-]|%[0-7][0-9A-Fa-f])+$/;
const pem =
  /^-----BEGIN CERTIFICATE-----\r?\n((?:[A-Za-z0-9+/=]+\r?\n)+)-----END CERTIFICATE-----(?:\r?\n)?$/;

async function parseEscapedPem(value: string): Promise<string | undefined> {
  if (!percentEncoded.test(value)) return undefined;
  return digestBase64(pem.exec(decodeURIComponent(value))?.[1]?.replace(/[\r\n]/g, ''));
}

const keyAndValue = /([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^",;]*))(;|$)/y;

async function parseForwardedCertificate(value: string): Promise<string | undefined> {
  const element = new Map<string, string>();
  let end = 0;
  let separator: string | undefined;
  do {
    keyAndValue.lastIndex = end;
    const pair = keyAndValue.exec(value);
    if (pair === null) return undefined;
    const [text, key = '', quoted, plain = ''] = pair;
    const name = key.toLowerCase();
    if ((name === 'hash' || name === 'cert') && element.has(name)) return undefined;
    element.set(name, quoted ?? plain);
    end += text.length;
    separator = pair[4];
  } while (separator === ';');
  const [hash, cert] = [element.get('hash'), element.get('cert')];
  if (hash === undefined) return cert === undefined ? undefined : parseEscapedPem(cert);
  const thumbprint = hexToBase64url(hash);
  return cert === undefined || (await parseEscapedPem(cert)) === thumbprint ? thumbprint : undefined;
}

function hexToBase64url(hex: string): string | undefined {
  if (!/^[0-9A-Fa-f]{64}$/.test(hex)) return undefined;
  return base64url.encode(Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16)));
}

async function digestBase64(base64: string | undefined): Promise<string | undefined> {
  const der = base64 === undefined ? undefined : decodeBase64(base64);
  return der !== undefined && isWholeSequence(der) ? sha256(der) : undefined;
}

function decodeBase64(base64: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

/** Whether the bytes are one DER SEQUENCE from first to last (X.690 §8.1.3, §10.1), as every certificate is. */
function isWholeSequence(der: Uint8Array): boolean {
  const [tag, first = 0] = der;
  if (tag !== 0x30) return false;
  if (first < 0x80) return der.length === 2 + first;
  const octets = der.subarray(2, 2 + first - 0x80);
  const length = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  // the shortest form only: no leading zero, and none where a single octet would do
  return octets[0] !== 0 && length >= 0x80 && der.length === 2 + octets.length + length;
}
