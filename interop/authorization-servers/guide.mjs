// The configurations that the guides show, so that what is shown is what is run.
import { readFileSync } from 'node:fs';
import { quote } from '../replace.mjs';

/**
 * A gateway.yaml of a page in docs/servers, the first one by default, with its example addresses, files and secrets
 * replaced. Each must be there: else it was not replaced. It waits for the server for as long as a machine may stand still.
 */
export const configOf = (page, replacements, index = 0) => {
  const markdown = readFileSync(new URL(`../../docs/servers/${page}.md`, import.meta.url), 'utf8');
  const blocks = [...markdown.matchAll(/^```yaml\n(.*?)^```$/gms)];
  let [, text] = blocks[index] ?? [];
  if (text === undefined) throw new Error(`${page}.md shows ${blocks.length} configurations only`);
  for (const [example, real] of Object.entries(replacements)) {
    if (!text.includes(example)) throw new Error(`${page}.md does not mention ${example}`);
    // a port that took an earlier one's place may begin like the next
    text = text.replaceAll(new RegExp(`${quote(example)}(?!\\d)`, 'g'), () => real);
  }
  return text.replace(/^introspection:\n/m, '$&  timeoutSeconds: 60\n');
};

/** How a page writes a variable of the environment. */
export const variable = (name) => `\${${name}}`;
