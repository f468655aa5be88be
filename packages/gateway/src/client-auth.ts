import { readFileSync } from 'node:fs';
import {
  bearerAuth,
  type ClientAuth,
  clientSecretBasic,
  clientSecretJwt,
  clientSecretPost,
  privateKeyJwt,
  type Secret,
  tlsClientAuth,
} from '@phantom-token/core';
import { fileSecret } from '@phantom-token/core/node';
import type { Introspection } from './config-introspection.js';
import { defined } from './defined.js';

type Options = Introspection['clientAuth'];

/** How the gateway proves itself, as the file says. A secret from a file is read again when the server refuses it. */
export function createClientAuth(options: Options): ClientAuth {
  const { method, clientId, encoding, algorithm, keyId, audience } = options;
  const secret = () => readSecret(options.clientSecret, options.clientSecretFile);
  const assertion = defined({ algorithm, keyId, audience });
  switch (method) {
    case 'client_secret_post':
      return clientSecretPost(clientId, secret());
    case 'client_secret_jwt':
      return clientSecretJwt(clientId, secret(), assertion as object);
    case 'private_key_jwt':
      return privateKeyJwt(clientId, readSecret(undefined, options.keyFile), assertion);
    case 'tls_client_auth':
      return tlsClientAuth(clientId);
    case 'bearer':
      return bearerAuth(clientId, readSecret(options.token, options.tokenFile));
    default:
      return clientSecretBasic(clientId, secret(), defined({ encoding }));
  }
}

function readSecret(value: string | undefined, file: string | undefined): Secret {
  if (file === undefined) return value ?? '';
  // a file that is missing shows now, not with the first request
  readFileSync(file);
  return fileSecret(file);
}
