#!/usr/bin/env node
import cluster from 'node:cluster';

if (cluster.isPrimary) {
  const { runCommand } = await import('./command.js');
  const code = await runCommand(process.argv.slice(2), process);
  if (code !== 0) process.exit(code);
} else {
  const { runWorker } = await import('./worker.js');
  runWorker();
}
