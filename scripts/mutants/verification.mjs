export const verification = [
  ['nothing is verified', 'await options.verifyJwt?.verify(jwt, now());', ''],
  [
    'the algorithms of a verifier do not matter',
    '    issuer,\n    algorithms: [...algorithms],',
    '    issuer,',
  ],
  [
    'the type of a verified JWT does not matter',
    "if (types.includes(normalizeType(protectedHeader.typ ?? ''))) return;",
    'return;',
  ],
  [
    'keys are fetched for every unknown one',
    'Math.abs(now - attemptedAt) <',
    'false && Math.abs(now - attemptedAt) <',
  ],
  [
    'keys are never fetched again',
    'if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;',
    'throw error;',
  ],
  [
    'the issuer of a verified JWT does not matter',
    '    issuer,\n    algorithms: [...algorithms],',
    '    algorithms: [...algorithms],',
  ],
  ['the audience of a verified JWT does not matter', '...(audience && { audience: [...audience] }),', ''],
  [
    'a verified JWT goes by our clock alone',
    'algorithms: [...algorithms],\n    clockTolerance: nbfLeewaySeconds,',
    'algorithms: [...algorithms],',
  ],
  [
    'a verified JWT goes by the clock of the process',
    'const { protectedHeader } = await verifyWithAnyKey(jwt, keys.at(now), {\n          ...expected,\n          currentDate: new Date(now * 1000),',
    'const { protectedHeader } = await verifyWithAnyKey(jwt, keys.at(now), {\n          ...expected,',
  ],
  [
    'the type of a verified JWT is case-sensitive',
    'typ.toLowerCase().replace(/^application',
    'typ.replace(/^application',
  ],
  ['the type of a verified JWT has one spelling', ".replace(/^application\\//, '')", '', 'jwt-verifier.ts'],
  [
    'the first of several keys only',
    'const verified = await jwtVerify(jwt, candidate, options).catch(ignoreWrongKey);',
    'const verified = await jwtVerify(jwt, candidate, options);',
  ],
  [
    'a JWT that several keys may have signed is refused',
    'if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;',
    'throw error;',
  ],
  [
    'fetched keys are kept for good',
    'current !== undefined && isYoungerThan(current, renewAfterSeconds, now) ?',
    'current !== undefined ?',
  ],
  [
    'fetched keys are of no use when they cannot be renewed',
    'const last = current !== undefined && isYoungerThan(current, maxAgeSeconds, now) ? current : undefined;',
    'const last = undefined;',
  ],
  [
    'fetched keys are of use for as long as they cannot be renewed',
    'const last = current !== undefined && isYoungerThan(current, maxAgeSeconds, now) ? current : undefined;',
    'const last = current;',
  ],
  [
    'a shared secret verifies',
    'if (algorithms.every((algorithm) => asymmetric.test(algorithm))) return algorithms;',
    'return algorithms;',
  ],
  ['clients that verify otherwise share their answers', 'verifyJwt: verifyJwt?.context,', "verifyJwt: '',"],
  [
    'a failure of a verifier is told in its own words',
    "throw new IntrospectionError(\n        'ERR_JWT_VERIFICATION',\n        'verifyJwt refused the JWT from the authorization server',\n      );",
    'throw error;',
  ],
  [
    'keys come over any connection',
    "endpoint('jwksUri', jwksUri, flag('allowInsecureRequests', allowInsecureRequests, false))",
    "endpoint('jwksUri', jwksUri, true)",
  ],
  [
    'keys may have two sources',
    'if ((jwks === undefined) === (jwksUri === undefined))',
    'if (jwks === undefined && jwksUri === undefined)',
  ],
  [
    'keys need no source',
    'if ((jwks === undefined) === (jwksUri === undefined))',
    'if (jwks !== undefined && jwksUri !== undefined)',
  ],
];
