import { createClaimHeaders } from '@phantom-token/core';
import type { Finding, Members } from './config-finding.js';

/** Names that cannot carry a claim, or that two share. */
export function judgeClaimHeaders(path: Finding[0], claimHeaders: Members): Finding[] {
  const findings: Finding[] = [];
  const fitting: Record<string, string> = {};
  for (const [name, claim] of Object.entries(claimHeaders)) {
    // what is no claim's name is said by the schema
    if (typeof claim !== 'string' || claim === '') continue;
    try {
      createClaimHeaders({ ...fitting, [name]: claim });
      fitting[name] = claim;
    } catch (error) {
      findings.push([[...path, name], (error as Error).message.replace(/^claimHeaders: /, '')]);
    }
  }
  return findings;
}
