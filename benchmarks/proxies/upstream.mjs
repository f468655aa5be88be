import { loadCore } from './cores.mjs';
import { startNginx } from './nginx.mjs';
import { freePort } from './processes.mjs';

const answer = `default_type application/json;
      return 200 '{"ok":true}';`;

/** What the proxies stand before: a port that wants the JWT, and one that takes everything for those that do not swap. */
export async function startUpstream(jwt) {
  const strict = await freePort();
  const open = await freePort();
  await startNginx(
    'upstream',
    loadCore,
    open,
    `map_hash_bucket_size 2048;
  map $http_authorization $swapped { default 0; "Bearer ${jwt}" 1; }
  server {
    listen 127.0.0.1:${strict};
    location / {
      if ($swapped = 0) { return 401; }
      ${answer}
    }
  }
  server {
    listen 127.0.0.1:${open};
    location / {
      ${answer}
    }
  }`,
  );
  return { strict, open };
}
