export const certificates = [
  [
    'certificates do not matter',
    'if (thumbprint !== undefined) assertCertificate(thumbprint, await clientCertificate.thumbprint(request));',
    '',
  ],
  [
    'any certificate will do',
    'if (bound === thumbprint && sha256InBase64url',
    'if (thumbprint !== undefined && sha256InBase64url',
  ],
  [
    'any text is a thumbprint',
    "bound === thumbprint && sha256InBase64url.test(thumbprint ?? '')",
    'bound === thumbprint',
  ],
  ['a certificate confirmation may be anything', '|| !isProvable(thumbprint))', ')'],
  ['everybody is the proxy', 'if (!isTrusted(request.peerAddress)) return undefined;', ''],
  ['nobody is the proxy', 'if (!isTrusted(request.peerAddress)) return undefined;', 'return undefined;'],
  [
    'the first of several certificates counts',
    'if (value === undefined || others.length > 0) return undefined;',
    'if (value === undefined) return undefined;',
  ],
  [
    'the last of several certificates counts',
    'const [value, ...others] = request.field?.(name) ?? [];',
    'const others: string[] = [];\n      const value = request.field?.(name).at(-1);',
  ],
  [
    'certificates come in one header whatever is configured',
    'const header = options.header ?? defaultHeaders[format];',
    "const header = 'client-cert';",
  ],
  [
    "one client's certificate is every client's",
    'recent.get(value) ??\n        parseCertificateField(format, value).then((found) => found && recent.set(value, found))',
    "recent.get('') ??\n        parseCertificateField(format, value).then((found) => found && recent.set('', found))",
  ],
  ['Client-Cert is not read', 'return digestBase64(byteSequence.exec(value)?.[1]);', 'return undefined;'],
  [
    "nginx's header is not read",
    "return digestBase64(pem.exec(decodeURIComponent(value))?.[1]?.replace(/[\\r\\n]/g, ''));",
    'return undefined;',
  ],
  [
    "the hash of Envoy's header is not read",
    'const thumbprint = hexToBase64url(hash);',
    'const thumbprint = undefined;',
  ],
  [
    "the hash of Envoy's header suffices",
    'return cert === undefined || (await parseEscapedPem(cert)) === thumbprint ? thumbprint : undefined;',
    'return thumbprint;',
  ],
  [
    "the second element of Envoy's header counts",
    'if (pair === null) return undefined;',
    'if (pair === null) break;',
  ],
  [
    'the last of two hashes counts',
    "if ((name === 'hash' || name === 'cert') && element.has(name)) return undefined;",
    '',
  ],
  [
    'anything in PEM is a certificate',
    'der !== undefined && isWholeSequence(der) ? sha256(der)',
    'der !== undefined ? sha256(der)',
  ],
  [
    'certificates come in any format',
    "if (typeof format !== 'string' || !Object.hasOwn(defaultHeaders, format))",
    'if (false)',
  ],
  ['proxies need no address', 'if (!trustedProxies.every(isNetwork))', 'if (false)'],
  [
    'certificates come in a header of any name',
    "if (typeof header !== 'string' || !fieldName.test(header))",
    'if (false)',
  ],
  ['a hash may break off', 'if (!/^[0-9A-Fa-f]{64}$/.test(hex)) return undefined;', ''],
  ['Client-Cert needs no colons', '/^ *:([A-Za-z0-9+/]*={0,2}): *$/', '/^ *:?([A-Za-z0-9+/]*={0,2}):? *$/'],
  [
    'PEM need not be escaped',
    'if (!percentEncoded.test(value)) return undefined;',
    'if (!percentEncoded.test(value)) value = encodeURIComponent(value.replace(/(?<!BEGIN|END) (?!CERT)/g, "\\n"));',
  ],
  [
    "names in Envoy's header are case-sensitive",
    'const name = key.toLowerCase();',
    "const name = key === 'Hash' || key === 'Cert' ? key.toLowerCase() : key.toUpperCase();",
  ],
  [
    'bytes after a certificate do not matter',
    'return octets[0] !== 0 && length >= 0x80 && der.length === 2 + octets.length + length;',
    'return octets[0] !== 0 && length >= 0x80 && der.length >= 2 + octets.length + length;',
  ],
  [
    'certificates may break off',
    'return octets[0] !== 0 && length >= 0x80 && der.length === 2 + octets.length + length;',
    'return octets[0] !== 0 && length >= 0x80 && der.length <= 2 + octets.length + length;',
  ],
];
