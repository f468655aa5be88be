import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The memory that a process holds now. Bytes. */
function readRss(pid: number | undefined): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}

/** The processes that a process has started and that still run. */
export function readChildren(pid: number | undefined): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.split(' ').filter(Boolean).map(Number);
}

/** Watches over a process' memory until it ends: how much more than at first it held at most, so far. Bytes. */
export function watchRss(child: ChildProcess): () => number {
  const first = readRss(child.pid);
  let most = first;
  const sample = () => {
    most = Math.max(most, readRss(child.pid));
  };
  const timer = setInterval(sample, 20);
  child.on('exit', () => clearInterval(timer));
  return () => {
    sample();
    return most - first;
  };
}
