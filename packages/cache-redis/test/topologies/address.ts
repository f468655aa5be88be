/** How a client finds a topology; what `connectRedis` takes. */
export type Address = ({ readonly url: string } | SentinelAddress | ClusterAddress) & {
  readonly username?: string;
  readonly password?: string;
  readonly tls?: {
    readonly ca: string;
    readonly cert?: string;
    readonly key?: string;
    readonly servername?: string;
  };
};

export interface SentinelAddress {
  readonly sentinels: readonly HostAndPort[];
  readonly name: string;
}

export interface ClusterAddress {
  readonly cluster: readonly HostAndPort[];
}

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

export const onLoopback = (port: number): HostAndPort => ({ host: '127.0.0.1', port });
