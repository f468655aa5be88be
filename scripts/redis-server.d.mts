export function findRedisServer(): string;
