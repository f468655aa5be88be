import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { onEnd } from './lifetime.js';

/** A configuration file that ends with the test. */
export function writeConfig(config: object): { readonly file: string; write(next: object): void } {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-'));
  onEnd(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'gateway.yaml');
  // at once, as whoever replaces a file that is in use does
  const write = (next: object) => {
    writeFileSync(`${file}.next`, stringify(next));
    renameSync(`${file}.next`, file);
  };
  write(config);
  return { file, write };
}
