import {
  type CertificateFormat,
  type CertificateRequest,
  type CertificateSource,
  parseCertificateField,
} from './client-certificate.js';
import { createNetworkTest, isNetwork } from './network-list.js';
import { nonEmptyList, refuseUnknown } from './option-checks.js';
import { createRecentMap } from './recent-map.js';

export interface ProxyCertificateOptions {
  /**
   * How the proxy writes the certificate. `client-cert`: RFC 9440. `nginx`: `$ssl_client_escaped_cert`. `envoy`:
   * `x-forwarded-client-cert` with one element, as `forward_client_cert_details: SANITIZE_SET` makes it.
   */
  readonly format: CertificateFormat;
  /**
   * The header's name. Default `Client-Cert` for `client-cert`, `X-Forwarded-Client-Cert` for `envoy`; needed for
   * `nginx`. The proxy has to set it on every request, or else to remove what the client sent.
   */
  readonly header?: string;
  /** The addresses, or networks in CIDR form, of the proxies whose header is believed. */
  readonly trustedProxies: readonly string[];
}

const known: Record<keyof ProxyCertificateOptions, true> = {
  format: true,
  header: true,
  trustedProxies: true,
};

const defaultHeaders: Readonly<Record<CertificateFormat, string | undefined>> = {
  'client-cert': 'client-cert',
  nginx: undefined,
  envoy: 'x-forwarded-client-cert',
};

const fieldName = /^[\w!#$%&'*+.^`|~-]+$/;

/**
 * The client certificate that a proxy, which ends TLS in front of us, hands on in a header (RFC 9440). A header from
 * any other address, one that stands there twice, and one that is malformed are all no certificate.
 * @throws {TypeError} naming the option that is unknown, missing or wrong.
 */
export function proxyCertificate(options: ProxyCertificateOptions): CertificateSource {
  refuseUnknown('proxyCertificate', options, known);
  const { format } = options;
  if (typeof format !== 'string' || !Object.hasOwn(defaultHeaders, format))
    throw new TypeError(`format must be one of ${Object.keys(defaultHeaders).join(', ')}`);
  const header = options.header ?? defaultHeaders[format];
  if (typeof header !== 'string' || !fieldName.test(header))
    throw new TypeError('header must be the name of a header field, such as X-SSL-Client-Cert');
  const name = header.toLowerCase();
  const trustedProxies = nonEmptyList('trustedProxies', options.trustedProxies);
  if (!trustedProxies.every(isNetwork))
    throw new TypeError('trustedProxies must be IP addresses, or networks such as 10.0.0.0/8');
  const isTrusted = createNetworkTest(trustedProxies);
  // the certificate of a client that comes again is the same text every time
  const recent = createRecentMap<string>();
  return Object.freeze({
    thumbprint(request: CertificateRequest) {
      if (!isTrusted(request.peerAddress)) return undefined;
      const [value, ...others] = request.field?.(name) ?? [];
      if (value === undefined || others.length > 0) return undefined;
      return (
        recent.get(value) ??
        parseCertificateField(format, value).then((found) => found && recent.set(value, found))
      );
    },
  });
}
