export const dpop = [
  ['the DPoP scheme is not known', 'dpop === undefined ? parseBearer : parseBearerOrDpop', 'parseBearer'],
  [
    'the DPoP scheme is known where no proof can be judged',
    'dpop === undefined ? parseBearer : parseBearerOrDpop',
    'parseBearerOrDpop',
  ],
  ['DPoP counts as Bearer', "scheme.length === 'DPoP'.length ? 'DPoP' : 'Bearer'", "'Bearer'"],
  ['a refusal names Bearer whatever was tried', "? 'DPoP' : 'Bearer';", "? 'Bearer' : 'Bearer';"],
  [
    'Bearer is not offered beside DPoP',
    "return error === undefined ? ['Bearer', 'DPoP'] : [tried];",
    "return error === undefined ? ['DPoP'] : [tried];",
  ],
  [
    'DPoP is not offered beside Bearer',
    "return error === undefined ? ['Bearer', 'DPoP'] : [tried];",
    "return error === undefined ? ['Bearer'] : [tried];",
  ],
  [
    'a wanting proof is refused by the scheme that was tried',
    "if (code.startsWith('ERR_DPOP_')) return ['DPoP'];",
    '',
  ],
  ['Bearer is offered though DPoP is required', "if (dpop.required) return ['DPoP'];", ''],
  ['DPoP is offered where no proof can be judged', "if (dpop === undefined) return ['Bearer'];", ''],
  [
    'the algorithms of proofs are not told',
    "algs: scheme === 'DPoP' ? dpop?.algorithms.join(' ') : undefined,",
    '',
  ],
  [
    'the algorithms of proofs are told for Bearer too',
    "algs: scheme === 'DPoP' ? dpop?.algorithms.join(' ') : undefined,",
    "algs: dpop?.algorithms.join(' '),",
  ],
  ['no nonce comes with a refusal', "...(dpopNonce !== undefined && { 'DPoP-Nonce': dpopNonce }),", ''],
  [
    'DPoP is never required',
    'const mustProve = options.dpop?.required === true;',
    'const mustProve = false;',
  ],
  [
    'DPoP is always required',
    'const mustProve = options.dpop?.required === true;',
    'const mustProve = options.dpop !== undefined;',
  ],
  ['bound tokens pass', "if (jkt !== undefined && presented.scheme !== 'DPoP')", 'if (false)'],
  [
    'bound tokens pass as bearer tokens with a proof',
    "if (jkt !== undefined && presented.scheme !== 'DPoP')",
    "if (jkt !== undefined && presented.scheme !== 'DPoP' && request.dpop === undefined)",
  ],
  [
    'a bearer token that is bound to a key is told of DPoP by nobody',
    "options.dpop === undefined ? 'ERR_SENDER_CONSTRAINED' : 'ERR_DPOP_MISSING'",
    "'ERR_SENDER_CONSTRAINED'",
  ],
  [
    'a bearer token that is bound to a key is told of DPoP by all',
    "options.dpop === undefined ? 'ERR_SENDER_CONSTRAINED' : 'ERR_DPOP_MISSING'",
    "'ERR_DPOP_MISSING'",
  ],
  [
    'tokens that are bound to no key pass as DPoP',
    "if (jkt === undefined && (mustProve || presented.scheme === 'DPoP')) throw",
    'if (jkt === undefined && mustProve) throw',
  ],
  [
    'tokens that are bound to no key pass where DPoP is required',
    "if (jkt === undefined && (mustProve || presented.scheme === 'DPoP')) throw",
    "if (jkt === undefined && presented.scheme === 'DPoP') throw",
  ],
  ['unknown confirmations do not matter', 'Object.keys(others).length > 0 ||', ''],
  ['a key confirmation may be anything', '|| !isProvable(jkt) ', ''],
  [
    'an empty confirmation is one',
    "(typeof member === 'string' && member !== '')",
    "typeof member === 'string'",
  ],
  ['a confirmation need not be text', "(typeof member === 'string' && member !== '')", "member !== ''"],
  [
    'proofs are not judged',
    'return dpop.verify({ method, url, dpop: request.dpop, token, jkt }, now());',
    'return undefined;',
  ],
  [
    'a key is all that a token is bound to',
    'if (thumbprint !== undefined) assertCertificate(',
    'if (thumbprint !== undefined && jkt === undefined) assertCertificate(',
  ],
  [
    'a certificate is all that a token is bound to',
    "if (typeof jkt !== 'string') return undefined;",
    "if (typeof jkt !== 'string' || thumbprint !== undefined) return undefined;",
  ],
  [
    'a proof is used up before the certificate is looked at',
    'if (thumbprint !== undefined) assertCertificate(thumbprint, await clientCertificate.thumbprint(request));\n',
    "if (dpop !== undefined && typeof jkt === 'string') await dpop.verify({ ...request, dpop: request.dpop, token, jkt }, now());\n  if (thumbprint !== undefined) assertCertificate(thumbprint, await clientCertificate.thumbprint(request));\n  if (jkt !== undefined) return undefined;\n",
  ],
];
