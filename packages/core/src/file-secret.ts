import { readFile } from 'node:fs/promises';
import { nonEmpty } from './option-checks.js';

/**
 * A secret kept in a file, as container platforms mount it, for `clientSecretBasic` and its like: read when it is first
 * needed, and again when the authorization server refuses what it held, so that a new secret needs no restart. UTF-8;
 * one line break at the end is not part of it.
 * @throws {TypeError} for an empty path. The function rejects, naming the path, where the file cannot be read, is blank,
 * or is not UTF-8.
 */
export function fileSecret(path: string): () => Promise<string> {
  nonEmpty('path', path);
  return async () => {
    const bytes = await readFile(path).catch((cause) => {
      throw new Error(`the secret file ${path} cannot be read`, { cause });
    });
    const secret = decode(bytes, path).replace(/\r?\n$/, '');
    if (secret.trim() === '') throw new Error(`the secret file ${path} is empty`);
    return secret;
  };
}

function decode(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Error(`the secret file ${path} is not UTF-8`);
  }
}
