import { createJwtSigner, json, startScriptedServer } from '@phantom-token/conformance';
import { onEnd } from './lifetime.js';

const issuer = 'https://as.example.com';
const path = '/backchannel-logout';
const events = { 'http://schemas.openid.net/event/backchannel-logout': {} };

/** Somebody who tells gateways of logouts. `logout` is the configuration's. */
export async function startLogouts(more: object = {}) {
  const signer = await createJwtSigner('key');
  const keys = await startScriptedServer();
  onEnd(() => keys.close());
  keys.answer(json(signer.jwks));
  const logout = { path, issuer, audience: 'gateway', jwksUri: keys.endpoint, ...more };

  /** Resolves with the status that was answered. Claims that are undefined are left out. */
  async function logOut(url: string, claims: object, typ = 'logout+jwt'): Promise<number> {
    const at = Math.floor(Date.now() / 1000);
    const jti = crypto.randomUUID();
    const all = { iss: issuer, aud: 'gateway', events, iat: at, exp: at + 120, jti, ...claims };
    const token = await signer.sign(all, { typ });
    const body = new URLSearchParams({ logout_token: token });
    const answer = await fetch(`${url}${path}`, { method: 'POST', headers: { Connection: 'close' }, body });
    await answer.text();
    return answer.status;
  }
  return { logout, logOut };
}
