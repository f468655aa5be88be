import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';

/**
 * As `generateKeyPairSync`, but with keys that were read anew: Node 20 waits for itself for ever where it exports a key as
 * a JWK and, meanwhile, collects what was left of generating it.
 */
export const generateKeyPair = (type, options) => {
  const { publicKey, privateKey } = generateKeyPairSync(type, {
    ...options,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return { publicKey: createPublicKey(publicKey), privateKey: createPrivateKey(privateKey) };
};
