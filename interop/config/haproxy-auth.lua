-- Forward auth for HAProxy: `http-request lua.phantom_token <URL>` asks the gateway at that URL about the request.
-- A yes sets txn.phantom_token_allowed, and txn.phantom_token_authorization where there is a JWT; a no is answered
-- to the client as the gateway said it.

-- Longer than the gateway's own deadline (timeoutSeconds), so that its 504 is the answer and not ours.
local timeout_ms = 10000

-- The client's fields that the gateway decides by. Nothing else is sent, so nothing else can be claimed.
local asked = { "authorization", "dpop", "origin", "access-control-request-method" }

-- The gateway's fields that a refused client needs.
local told = { "www-authenticate", "retry-after", "cache-control", "content-type" }

-- Lists of HAProxy's Lua count from 0.
local function values(list)
  local copy = {}
  local index = 0
  while list ~= nil and list[index] ~= nil do
    copy[#copy + 1] = list[index]
    index = index + 1
  end
  return copy
end

local function refuse(txn, status, headers, body)
  -- txn:done ends the action, and the request with it.
  txn:done(txn:reply({ status = status, headers = headers, body = body }))
end

core.register_action("phantom_token", { "http-req" }, function(txn, url)
  local received = txn.http:req_get_headers()
  local headers = {
    ["x-forwarded-method"] = { txn.f:method() },
    ["x-forwarded-proto"] = { txn.f:ssl_fc() == 1 and "https" or "http" },
    ["x-forwarded-host"] = values(received["host"]),
    ["x-forwarded-uri"] = { txn.f:pathq() },
    ["x-forwarded-for"] = { txn.f:src() },
  }
  for _, name in ipairs(asked) do
    -- Every field of that name: whether two Authorization fields are one too many is the gateway's to say.
    local fields = values(received[name])
    if #fields > 0 then headers[name] = fields end
  end

  local answer = core.httpclient():get({ url = url, headers = headers, timeout = timeout_ms })
  local status = answer and answer.status or 0
  if status >= 200 and status < 300 then
    local jwt = values(answer.headers["authorization"])[1]
    if jwt ~= nil then txn:set_var("txn.phantom_token_authorization", jwt) end
    txn:set_var("txn.phantom_token_allowed", true)
    return
  end

  if status == 400 or status == 401 or status == 403 or (status >= 502 and status <= 504) then
    local passed = {}
    for _, name in ipairs(told) do
      local fields = values(answer.headers and answer.headers[name])
      if #fields > 0 then passed[name] = fields end
    end
    refuse(txn, status, passed, answer.body or "")
  else
    -- No answer, or none that a gateway gives.
    refuse(txn, 502, { ["cache-control"] = { "no-store" }, ["content-type"] = { "application/json" } }, '{"error":"server_error"}')
  end
end, 1)
