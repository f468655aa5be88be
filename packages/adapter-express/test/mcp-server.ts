import { phantomToken, serveDocument } from '@phantom-token/adapter-express';
import {
  clientSecretBasic,
  createPhantomTokenClient,
  discover,
  type JwtAccessToken,
  resourceMetadataDocument,
  resourceMetadataUrl,
} from '@phantom-token/core';
import express, { type Express, type RequestHandler } from 'express';

export interface McpServerOptions {
  /** The endpoint's own URL, which clients ask tokens for. */
  readonly resource: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** An MCP endpoint (Streamable HTTP) that takes opaque tokens, and only those that were issued for it. */
export async function createMcpServer(options: McpServerOptions): Promise<Express> {
  const { resource, issuer, clientId, clientSecret } = options;
  const client = createPhantomTokenClient({
    ...(await discover(issuer)),
    clientAuth: clientSecretBasic(clientId, clientSecret),
    audience: resource,
  });
  const scopes = ['mcp:tools'];
  const resourceMetadata = resourceMetadataUrl(resource);
  const metadata = resourceMetadataDocument({
    resource,
    authorizationServers: [issuer],
    scopesSupported: scopes,
  });
  const { origin, pathname } = new URL(resource);

  const app = express();
  app.all(new URL(resourceMetadata).pathname, serveDocument(metadata));
  app.post(
    pathname,
    refuseOtherOrigins(origin),
    phantomToken({ client, requiredScopes: scopes, resourceMetadata }),
    express.json(),
    answerMessage,
  );
  // there is no stream to open and no session to end
  app.all(pathname, (_request, response) => void response.set('Allow', 'POST').status(405).end());
  return app;
}

/** Pages of other sites must not reach a server that only its user's browser can see. */
const refuseOtherOrigins =
  (own: string): RequestHandler =>
  ({ headers }, response, next) => {
    if (headers.origin === undefined || headers.origin === own) next();
    else response.status(403).end();
  };

const versions = ['2025-11-25', '2025-06-18'];

const answerMessage: RequestHandler = ({ body, headers, accessToken }, response) => {
  const version = headers['mcp-protocol-version'];
  const isMessage = body?.jsonrpc === '2.0' && typeof body.method === 'string';
  // clients of a later version take an empty 400 for a word to begin with initialize
  if (!isMessage || (typeof version === 'string' && !versions.includes(version)))
    return void response.status(400).end();
  if (body.id === undefined) return void response.status(202).end();
  const result = call(body.method, body.params ?? {}, accessToken as JwtAccessToken);
  const error = { code: -32601, message: 'method not found' };
  response.json({ jsonrpc: '2.0', id: body.id, ...(result === undefined ? { error } : { result }) });
};

const whoami = {
  name: 'whoami',
  description: 'Says whose token it is.',
  inputSchema: { type: 'object', additionalProperties: false },
};

function call(
  method: string,
  params: Record<string, unknown>,
  { claims }: JwtAccessToken,
): object | undefined {
  switch (method) {
    case 'initialize': {
      const asked = String(params.protocolVersion);
      return {
        protocolVersion: versions.includes(asked) ? asked : versions[0],
        capabilities: { tools: {} },
        serverInfo: { name: 'example', version: '1.0.0' },
      };
    }
    case 'ping':
      return {};
    case 'tools/list':
      return { tools: [whoami] };
    case 'tools/call':
      if (params.name === whoami.name) return { content: [{ type: 'text', text: String(claims.sub) }] };
      return { content: [{ type: 'text', text: 'there is no such tool' }], isError: true };
    default:
      return undefined;
  }
}
