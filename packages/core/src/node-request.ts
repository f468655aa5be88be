import type { JwtAccessToken } from './access-token.js';
import type { AuthorizeRequest } from './authorize.js';
import { readFields } from './raw-headers.js';

/** What we read of Node's IncomingMessage. */
export interface NodeMessage {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly rawHeaders: readonly string[];
  readonly socket?: NodeSocket;
}

interface NodeSocket {
  readonly remoteAddress?: string | undefined;
  readonly getPeerX509Certificate?: () => { readonly raw: Uint8Array } | undefined;
}

/** A request of Node's HTTP server as `authorize` wants it. What few tokens need is only read for those. */
export class NodeRequest implements AuthorizeRequest {
  readonly method: string;
  readonly url: string;
  readonly accessToken: JwtAccessToken | null | undefined;
  readonly #message: NodeMessage;

  /** @param url The whole path and query as the client sent it, where the framework has shortened `message.url`. */
  constructor(message: NodeMessage, accessToken?: JwtAccessToken | null, url = message.url) {
    this.method = message.method ?? '';
    this.url = url ?? '';
    this.accessToken = accessToken;
    this.#message = message;
  }

  get authorization(): string | readonly string[] | undefined {
    return readFields(this.#message.rawHeaders, 'authorization');
  }

  get dpop(): string | readonly string[] | undefined {
    return readFields(this.#message.rawHeaders, 'dpop');
  }

  get clientCertificate(): Uint8Array | undefined {
    return this.#message.socket?.getPeerX509Certificate?.()?.raw;
  }

  get peerAddress(): string | undefined {
    return this.#message.socket?.remoteAddress;
  }

  field(name: string): readonly string[] {
    return [readFields(this.#message.rawHeaders, name) ?? []].flat();
  }
}
