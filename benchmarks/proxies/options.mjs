import { parseArgs } from 'node:util';
import { pairs, subjects } from './subjects.mjs';

const usage = `node proxies/main.mjs [--quick] [--only=a,b,…] [--against=a] [--gateway=path of cli.js]
  --quick    fewer slices, and only the pairs that have a goal
  --only     the pairs between these subjects: ${Object.keys(subjects).join(', ')} (g for gd, ge and gf)
  --against  each of them, or of all, against this one instead, without goals`;

export function readOptions() {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      against: { type: 'string' },
      gateway: { type: 'string' },
    },
  });
  const only = values.only?.split(',').flatMap((id) => (id === 'g' ? ['gd', 'ge', 'gf'] : [id]));
  const chosen = only ?? Object.keys(subjects);
  const unknown = [...chosen, values.against ?? 'a'].filter((id) => !(id in subjects));
  if (unknown.length > 0) throw new Error(`no such subject: ${unknown.join(', ')}\n${usage}`);
  const wanted =
    values.against === undefined
      ? pairs
          .filter(([subject, baseline]) => chosen.includes(subject) && chosen.includes(baseline))
          .filter(([, , goal]) => goal !== undefined || only !== undefined || !values.quick)
      : chosen.filter((id) => id !== values.against).map((id) => [id, values.against]);
  if (wanted.length === 0) throw new Error(`these subjects make no pair\n${usage}`);
  return { slicePairs: values.quick ? 3 : 15, warmUpSeconds: values.quick ? 1 : 2, wanted };
}
