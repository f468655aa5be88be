export const passingOn = [
  ['the presented token stays in the header', 'headers.authorization = authorization;', ''],
  [
    'the JWT is not put in the place of the token',
    "if (isNamed(rawHeaders[index], 'authorization')) rawHeaders[index + 1] = authorization;",
    'if (false) rawHeaders[index + 1] = authorization;',
  ],
  ['the presented token is put on', 'if (replaces) replaceAuthorization(message, token);', ''],
  [
    'the header is replaced whatever is configured',
    'if (replaces) replaceAuthorization(message, token);',
    'replaceAuthorization(message, token);',
  ],
  ['the proof goes on', "if (hasProof) removeFields(message, (name) => isNamed(name, 'dpop'));", ''],
  [
    'headers that claims would have are left to the client',
    'removeFields(message, claimHeaders.isReserved);',
    '',
  ],
  ['claims do not become headers', 'message.headers[name.toLowerCase()] = value;', ''],
  ['only one spelling is reserved', "name.toLowerCase().replace(/[_.]/g, '-')", 'name.toLowerCase()'],
  [
    'reserved names are case-sensitive',
    "name.toLowerCase().replace(/[_.]/g, '-')",
    "name.replace(/[_.]/g, '-')",
  ],
  ['null is a value of a header', 'if (value === null || value === undefined) return undefined;', ''],
  [
    'claims are headers as they are',
    'text.toWellFormed().replace(/[^\\x20-\\x24\\x26-\\x7e]+|^ | $/g, encodeURIComponent)',
    'text',
  ],
  ['members of a list are not told apart', ".replaceAll(' ', '%20')).join(' ')", ").join(' ')"],
  [
    'lists are written as JSON',
    'if (Array.isArray(value) && value.every',
    'if (false && (value as []).every',
  ],
  [
    'claims are headers of the first token',
    'const known = built.get(claims);\n      if (known !== undefined) return known;\n      const made = Object.freeze(fields.flatMap(([name, claim]) => buildField(name, claims, claim)));\n      built.set(claims, made);',
    'const known = built.get(fields as never);\n      if (known !== undefined) return known;\n      const made = Object.freeze(fields.flatMap(([name, claim]) => buildField(name, claims, claim)));\n      built.set(fields as never, made);',
  ],
  [
    'headers of a meaning of their own may be claims',
    'if (forbidden.has(same) || forbiddenPrefix.test(same))',
    'if (false)',
  ],
  ['a header may be there twice', 'if (folded.has(same))\n      throw', 'if (false)\n      throw'],
  [
    'scopes are not looked at on the way of a JWT',
    'function admit(token: JwtAccessToken, finder: object): JwtAccessToken {\n    assertScopes(token.claims, resolved.requiredScopes);',
    'function admit(token: JwtAccessToken, finder: object): JwtAccessToken {',
  ],
  [
    'scopes are looked at before the sender',
    'const proven = assertSender(token.claims, presented, request, sender);',
    'assertScopes(token.claims, resolved.requiredScopes);\n    const proven = assertSender(token.claims, presented, request, sender);',
  ],
  [
    'the sender is not looked at',
    'const proven = assertSender(token.claims, presented, request, sender);',
    'const proven = undefined as never;',
  ],
  [
    'no new nonce comes with what passes',
    "return pass(it, nonce === undefined ? undefined : { 'DPoP-Nonce': nonce });",
    'return pass(it, undefined);',
  ],
  [
    'one client for all requests',
    "if (typeof client === 'function') return client;",
    "if (typeof client === 'function') {\n    let first: PhantomTokenClient | undefined;\n    return (request) => (first ??= client(request));\n  }",
  ],
  [
    'a refusal has no words for what it is',
    'if (error instanceof BearerError || error instanceof IntrospectionError)\n          return refuse',
    'if (error instanceof BearerError)\n          return refuse',
  ],
  [
    'presented JWTs are all introspected',
    'const itself = accepted.find(presented.token, now());',
    'const itself = undefined as never;',
  ],
  [
    'presented JWTs are never introspected',
    'if (itself === undefined) return introspect(request, presented, client);',
    "if (itself === undefined) throw new BearerError('ERR_INACTIVE');",
  ],
  ['presented JWTs are not verified', 'await verifier.verify(jwt, now);', ''],
  [
    'presented JWTs need no end',
    'claims.exp !== undefined && claims.exp > now && isAccessToken(claims)',
    '!(claims.exp !== undefined && claims.exp <= now) && isAccessToken(claims)',
  ],
  [
    'presented JWTs never end',
    'claims.exp !== undefined && claims.exp > now && isAccessToken(claims)',
    'claims.exp !== undefined && isAccessToken(claims)',
  ],
  [
    'any JWT of the issuer is an access token',
    'claims.exp > now && isAccessToken(claims)',
    'claims.exp > now',
  ],
  [
    'accepted JWTs outlive their end',
    'const expiresAt = Math.min(until, found?.claims.exp ?? until);',
    'const expiresAt = until;',
  ],
  [
    'accepted JWTs are kept until their end',
    'const expiresAt = Math.min(until, found?.claims.exp ?? until);',
    'const expiresAt = found?.claims.exp ?? until;',
  ],
  [
    'accepted JWTs are verified every time',
    'judged.set(key, deepFreeze({ result, expiresAt, storedAt: now }), now);',
    '',
  ],
  [
    'refused JWTs are kept for long',
    'found === undefined ? notOursTtlSeconds : maxTtlSeconds',
    'maxTtlSeconds',
  ],
  [
    'refused JWTs pass from memory',
    'return entry.result.active ? tokens.get(entry.result) : undefined;',
    "return tokens.get(entry.result) ?? createAccessToken(token, {}, now + 60, 'memory');",
  ],
  ['claims do not become raw headers', 'message.rawHeaders.push(name, value);', ''],
  [
    'the JWT is not put in the place of the token in Headers',
    "changed.set('Authorization', token.authorization);",
    '',
  ],
  [
    'the presented token is put on in Headers',
    "if (replaces) {\n        changed.set('Authorization'",
    "if (false) {\n        changed.set('Authorization'",
  ],
  [
    'Headers are replaced whatever is configured',
    "if (replaces) {\n        changed.set('Authorization'",
    "if (true) {\n        changed.set('Authorization'",
  ],
  ['the proof goes on in Headers', "changed.delete('DPoP');", ''],
  [
    'Headers that claims would have are left to the client',
    'for (const name of headers.keys()) if (claimHeaders.isReserved(name)) changed.delete(name);',
    '',
  ],
  [
    'claims do not become Headers',
    'for (const [name, value] of claimHeaders.build(token.claims)) changed.set(name, value);',
    '',
  ],
];
