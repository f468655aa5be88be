import { basic } from './authorization-server.mjs';
import { proxyCore } from './cores.mjs';
import { keptUpstream, proxyToKept, startNginx } from './nginx.mjs';
import { freePort } from './processes.mjs';

// the least that swaps tokens: it believes the server's max-age, keeps no refusals, and takes no answer for a refusal;
// byte comparisons rather than patterns, which LuaJIT does not compile
const swap = `
        local field = ngx.var.http_authorization
        if not field or field:sub(1, 7):lower() ~= "bearer " or #field == 7 then
          ngx.header["WWW-Authenticate"] = "Bearer"
          return ngx.exit(401)
        end
        local token = field:sub(8)
        local jwts = ngx.shared.jwts
        local jwt = jwts:get(token)
        if not jwt then
          local answer = ngx.location.capture("/introspect", {
            method = ngx.HTTP_POST,
            body = "token=" .. ngx.escape_uri(token),
          })
          if answer.status == 204 then
            ngx.header["WWW-Authenticate"] = 'Bearer error="invalid_token"'
            return ngx.exit(401)
          end
          if answer.status ~= 200 then return ngx.exit(502) end
          jwt = answer.body
          local seconds = (answer.header["Cache-Control"] or ""):match("max%-age=(%d+)")
          if seconds then jwts:set(token, jwt, tonumber(seconds)) end
        end
        ngx.req.set_header("Authorization", "Bearer " .. jwt)`;

export async function startLuaNginx(upstreamPort, introspectionEndpoint) {
  const port = await freePort();
  return startNginx(
    'nginx-lua',
    proxyCore,
    port,
    `lua_shared_dict jwts 10m;
  ${keptUpstream(upstreamPort)}
  server {
    listen 127.0.0.1:${port};
    location = /introspect {
      internal;
      proxy_pass_request_headers off;
      proxy_set_header Authorization "${basic}";
      proxy_set_header Accept application/jwt;
      proxy_set_header Content-Type application/x-www-form-urlencoded;
      proxy_pass ${introspectionEndpoint};
    }
    location / {
      access_by_lua_block {${swap}
      }
      ${proxyToKept}
    }
  }`,
    { load: ['ndk_http_module', 'ngx_http_lua_module'] },
  );
}
