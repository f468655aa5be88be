import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  answerDocument,
  type JwtMinter,
  jwksDocument,
  type PublishedDocument,
  resourceMetadataDocument,
  resourceMetadataUrl,
} from '@phantom-token/core';
import type { Config } from './config-schema.js';
import { defined } from './defined.js';

/** What the gateway publishes itself, for everyone to read. */
export interface Documents {
  has(path: string): boolean;
  /** Resolves with the status that was answered. */
  answer(path: string, request: IncomingMessage, response: ServerResponse): Promise<number>;
}

/** The keys that our JWTs are signed with (RFC 7517 §5), and what clients have to know of the resource (RFC 9728). */
export function createDocuments(config: Config, minters: readonly JwtMinter[]): Documents {
  const documents = new Map<string, PublishedDocument>();
  const { jwks, protectedResource } = config;
  if (jwks !== undefined) documents.set(jwks.path, jwksDocument({ jwks: () => collectKeys(minters) }));
  if (protectedResource !== undefined) {
    const { pathname } = new URL(resourceMetadataUrl(protectedResource.resource));
    documents.set(pathname, resourceMetadataDocument(defined(protectedResource)));
  }
  return {
    has: (path) => documents.has(path),
    async answer(path, { method = 'GET' }, response) {
      const { status, headers, body } = await answerDocument(
        documents.get(path) as PublishedDocument,
        method,
      );
      response.writeHead(status, headers).end(body);
      return status;
    },
  };
}

async function collectKeys(minters: readonly JwtMinter[]) {
  const sets = await Promise.all(minters.map((minter) => minter.jwks()));
  return { keys: sets.flatMap(({ keys }) => keys) };
}
