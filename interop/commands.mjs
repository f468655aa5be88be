// Finds the commands of real servers.
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

export const findCommand = (name) => {
  // The sbin folders are not on everybody's PATH, and Debian puts servers there.
  const folders = [
    ...(process.env.PATH ?? '').split(':').filter(Boolean),
    '/usr/local/sbin',
    '/usr/sbin',
    '/sbin',
  ];
  for (const folder of folders) {
    const file = join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {}
  }
  return undefined;
};

export const requireCommand = (name) => {
  const file = findCommand(name);
  if (file === undefined)
    throw new Error(`${name} is not installed: run \`node interop/install.mjs\` as root on Debian`);
  return file;
};
