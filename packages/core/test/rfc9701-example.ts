/**
 * The example of RFC 9701 §5: header, claims and compact form as printed there. The RFC gives no key for it, so tests
 * sign `signingInput`, which is the printed header and payload byte for byte, with a key of their own.
 */
export const rfc9701Example = {
  header: { typ: 'token-introspection+jwt', alg: 'RS256', kid: 'wG6D' },
  claims: {
    iss: 'https://as.example.com/',
    aud: 'https://rs.example.com/resource',
    iat: 1514797892,
    token_introspection: {
      active: true,
      iss: 'https://as.example.com/',
      aud: 'https://rs.example.com/resource',
      iat: 1514797822,
      exp: 1514797942,
      client_id: 'paiB2goo0a',
      scope: 'read write dolphin',
      sub: 'Z5O3upPC88QrAjx00dis',
      birthdate: '1982-02-01',
      given_name: 'John',
      family_name: 'Doe',
      jti: 't1FoCCaZd4Xv4ORJUWVUeTZfsKhW30CQCrWDDjwXy6w',
    },
  },
  signingInput: [
    'eyJraWQiOiJ3RzZEIiwidHlwIjoidG9rZW4taW50cm9zcGVjdGlvbitqd3QiLCJhbGc',
    'iOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL2FzLmV4YW1wbGUuY29tLyIsImF1ZCI6I',
    'mh0dHBzOi8vcnMuZXhhbXBsZS5jb20vcmVzb3VyY2UiLCJpYXQiOjE1MTQ3OTc4OTIs',
    'InRva2VuX2ludHJvc3BlY3Rpb24iOnsiYWN0aXZlIjp0cnVlLCJpc3MiOiJodHRwczo',
    'vL2FzLmV4YW1wbGUuY29tLyIsImF1ZCI6Imh0dHBzOi8vcnMuZXhhbXBsZS5jb20vcm',
    'Vzb3VyY2UiLCJpYXQiOjE1MTQ3OTc4MjIsImV4cCI6MTUxNDc5Nzk0MiwiY2xpZW50X',
    '2lkIjoicGFpQjJnb28wYSIsInNjb3BlIjoicmVhZCB3cml0ZSBkb2xwaGluIiwic3Vi',
    'IjoiWjVPM3VwUEM4OFFyQWp4MDBkaXMiLCJiaXJ0aGRhdGUiOiIxOTgyLTAyLTAxIiw',
    'iZ2l2ZW5fbmFtZSI6IkpvaG4iLCJmYW1pbHlfbmFtZSI6IkRvZSIsImp0aSI6InQxRm',
    '9DQ2FaZDRYdjRPUkpVV1ZVZVRaZnNLaFczMENRQ3JXRERqd1h5NncifX0',
  ].join(''),
  signature: [
    'przJMU5Gh',
    'mNzvwtt1Sr-xa9xTkpiAg5IshbQsRiRVP_7eGR1GHYrNwQh84kxOkHCyje2g5WSRcYo',
    'sGEVIiC-eoPJJ-qBwqwSlgx9JEeCDw2W5DjrblOI_N0Jvsq_dUeOyoWVMqlOydOBhKN',
    'Y0smBrI4NZvEExucOm9WUJXMuJtvq1gBes-0go5j4TEv9sOP9uu81gqWTr_LOo6pgT0',
    'tFFyZfWC4kbXPXiQ2YT6mxCiQRRNM-l9cBdF6Jx6IOrsfFhBuYdYQ_mlL19HgDDOFal',
    'eyqmru6lKlASOsaE8dmLSeKcX91FbG79FKN8un24iwIDCbKT9xlUFl54xWVShNDFA',
  ].join(''),
} as const;
