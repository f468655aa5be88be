import { exportJWK, generateKeyPair } from 'jose';
import { describe, expect, it, vi } from 'vitest';
import {
  answerDocument,
  jwksDocument,
  type PublishedDocument,
  type ResourceMetadataOptions,
  resourceMetadataDocument,
  resourceMetadataUrl,
} from './documents.js';
import { jwtMinter } from './minting.js';

const resource = 'https://api.example/v1';
const metadata = (options: object = {}) =>
  JSON.parse(resourceMetadataDocument({ resource, ...options }).body() as string);

describe('resourceMetadataUrl', () => {
  it.each([
    ['https://api.example', 'https://api.example/.well-known/oauth-protected-resource'],
    ['https://api.example/', 'https://api.example/.well-known/oauth-protected-resource'],
    ['https://api.example/v1', 'https://api.example/.well-known/oauth-protected-resource/v1'],
    ['https://api.example/v1/', 'https://api.example/.well-known/oauth-protected-resource/v1/'],
    ['https://api.example:8443/a/b', 'https://api.example:8443/.well-known/oauth-protected-resource/a/b'],
    ['https://api.example?a=b', 'https://api.example/.well-known/oauth-protected-resource?a=b'],
    ['https://api.example/?a=b', 'https://api.example/.well-known/oauth-protected-resource?a=b'],
    ['https://api.example/v1?a=b', 'https://api.example/.well-known/oauth-protected-resource/v1?a=b'],
    ['http://127.0.0.1:3000/mcp', 'http://127.0.0.1:3000/.well-known/oauth-protected-resource/mcp'],
  ])('of %s is %s', (given, expected) => {
    expect(resourceMetadataUrl(given)).toBe(expected);
    expect(resourceMetadataUrl(new URL(given))).toBe(expected);
  });

  it.each([
    '',
    'api.example',
    'http://api.example',
    'https://api.example/#v1',
    'https://a:b@api.example',
    'urn:api',
  ])('is refused for %j', (wrong) => {
    expect(() => resourceMetadataUrl(wrong)).toThrow(TypeError);
    expect(() => resourceMetadataUrl(wrong)).toThrow('resource');
  });
});

describe('resourceMetadataDocument', () => {
  it('says by itself where a token may stand, and nothing else', () => {
    expect(metadata()).toEqual({ resource, bearer_methods_supported: ['header'] });
  });

  it('names the resource as it was given, so that clients find it equal to theirs', () => {
    expect(metadata({ resource: 'https://api.example' }).resource).toBe('https://api.example');
    expect(metadata({ resource: new URL('https://api.example/v1') }).resource).toBe('https://api.example/v1');
  });

  it('says all that RFC 9728 §2 lists, under its names', () => {
    const url = (path: string) => `https://api.example/${path}`;
    const options = {
      authorizationServers: ['https://as.example', 'https://as.example/tenant'],
      jwksUri: url('jwks'),
      scopesSupported: ['read', 'urn:x:write'],
      bearerMethodsSupported: ['header', 'query', 'body'],
      resourceSigningAlgValuesSupported: ['ES256', 'HS256'],
      resourceName: 'The API',
      resourceDocumentation: url('docs'),
      resourcePolicyUri: url('policy'),
      resourceTosUri: new URL(url('terms')),
      tlsClientCertificateBoundAccessTokens: false,
      authorizationDetailsTypesSupported: ['payment'],
      dpopSigningAlgValuesSupported: ['ES256', 'EdDSA'],
      dpopBoundAccessTokensRequired: true,
    } satisfies Omit<Required<ResourceMetadataOptions>, 'resource'>;
    expect(metadata(options)).toEqual({
      resource,
      authorization_servers: ['https://as.example', 'https://as.example/tenant'],
      jwks_uri: url('jwks'),
      scopes_supported: ['read', 'urn:x:write'],
      bearer_methods_supported: ['header', 'query', 'body'],
      resource_signing_alg_values_supported: ['ES256', 'HS256'],
      resource_name: 'The API',
      resource_documentation: url('docs'),
      resource_policy_uri: url('policy'),
      resource_tos_uri: url('terms'),
      tls_client_certificate_bound_access_tokens: false,
      authorization_details_types_supported: ['payment'],
      dpop_signing_alg_values_supported: ['ES256', 'EdDSA'],
      dpop_bound_access_tokens_required: true,
    });
  });

  it.each<[name: string, value: unknown]>([
    ['resource', undefined],
    ['resource', 'http://api.example'],
    ['resource', 'https://api.example/#v1'],
    ['authorizationServers', []],
    ['authorizationServers', 'https://as.example'],
    ['authorizationServers', ['as.example']],
    ['authorizationServers', ['http://as.example']],
    ['jwksUri', 'jwks'],
    ['scopesSupported', []],
    ['scopesSupported', ['read write']],
    ['scopesSupported', ['']],
    ['scopesSupported', ['"']],
    ['bearerMethodsSupported', []],
    ['bearerMethodsSupported', ['cookie']],
    ['resourceSigningAlgValuesSupported', ['none']],
    ['resourceName', ''],
    ['resourceDocumentation', 'docs'],
    ['resourcePolicyUri', 'policy'],
    ['resourceTosUri', 'terms'],
    ['tlsClientCertificateBoundAccessTokens', 'yes'],
    ['authorizationDetailsTypesSupported', []],
    ['dpopSigningAlgValuesSupported', ['none']],
    ['dpopSigningAlgValuesSupported', ['ES256', 'HS256']],
    ['dpopBoundAccessTokensRequired', 1],
    ['signedMetadata', 'x'],
  ])('refuses a wrong %s: %j', (name, value) => {
    const make = () => resourceMetadataDocument({ resource, [name]: value } as ResourceMetadataOptions);
    expect(make).toThrow(TypeError);
    expect(make).toThrow(name);
  });
});

describe('jwksDocument', () => {
  it('is the public keys of the moment', async () => {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    const minter = jwtMinter({ issuer: 'https://gateway.example', keys: await exportJWK(privateKey) });
    const { status, headers, body } = await answerDocument(jwksDocument(minter), 'GET');
    expect(status).toBe(200);
    expect(headers).toEqual({
      'Content-Type': 'application/jwk-set+json',
      'Cache-Control': 'public, max-age=300',
      'Access-Control-Allow-Origin': '*',
    });
    expect(JSON.parse(body ?? '')).toEqual(await minter.jwks());
  });

  it('wants a minter', () => {
    expect(() => jwksDocument({} as never)).toThrow(TypeError);
  });
});

describe('answerDocument', () => {
  const headers = { 'Content-Type': 'text/plain', 'X-Own': 'yes' };
  const cors = { 'Access-Control-Allow-Origin': '*' };

  it.each<[string, PublishedDocument['body']]>([
    ['at once', () => 'text'],
    ['later', async () => 'text'],
  ])('gives what the document gives %s', async (_when, body) => {
    expect(await answerDocument({ headers, body }, 'GET')).toEqual({ status: 200, headers, body: 'text' });
    expect(await answerDocument({ headers, body }, 'HEAD')).toEqual({ status: 200, headers, body: null });
  });

  it.each(['GET', 'HEAD'])('says nothing of why a document fails to be had by %s', async (method) => {
    for (const body of [
      () => {
        throw new Error('CANARY');
      },
      async () => Promise.reject(new Error('CANARY')),
    ]) {
      expect(await answerDocument({ headers, body }, method)).toEqual({
        status: 503,
        headers: { 'Cache-Control': 'no-store', ...cors },
        body: null,
      });
    }
  });

  it('lets browsers ask from anywhere, with any header but credentials', async () => {
    const body = vi.fn(() => 'text');
    expect(await answerDocument({ headers, body }, 'OPTIONS')).toEqual({
      status: 204,
      headers: {
        Allow: 'GET, HEAD, OPTIONS',
        'Access-Control-Allow-Methods': 'GET, HEAD, OPTIONS',
        'Access-Control-Allow-Headers': '*',
        ...cors,
      },
      body: null,
    });
    expect(body).not.toHaveBeenCalled();
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'QUERY', 'get', ''])('takes no %s', async (method) => {
    const body = vi.fn(() => 'text');
    expect(await answerDocument({ headers, body }, method)).toEqual({
      status: 405,
      headers: { Allow: 'GET, HEAD, OPTIONS', 'Cache-Control': 'no-store', ...cors },
      body: null,
    });
    expect(body).not.toHaveBeenCalled();
  });
});
