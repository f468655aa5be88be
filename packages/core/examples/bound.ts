import { type AuthorizeOptions, dpopNonces, dpopVerifier } from '@phantom-token/core';
import { fileSecret, proxyCertificate } from '@phantom-token/core/node';

/** For every adapter: `phantomToken({ client, ...bound })`. */
export const bound: AuthorizeOptions = {
  dpop: dpopVerifier({
    origin: 'https://api.example.com',
    nonce: dpopNonces({ secret: fileSecret('/run/secrets/dpop-nonce') }),
  }),
  clientCertificate: proxyCertificate({
    format: 'nginx',
    header: 'X-SSL-Client-Cert',
    trustedProxies: ['10.0.0.0/8'],
  }),
};
