import { type Document, isScalar, LineCounter, parseDocument, type Scalar, visit } from 'yaml';
import { findContradictions } from './config-contradictions.js';
import type { Finding } from './config-finding.js';
import { type Config, configSchema } from './config-schema.js';

/** One thing that is wrong in the file. */
export interface Mistake {
  /** Where in the configuration, such as `routes[0].upstream`. */
  readonly path: string;
  readonly line: number | undefined;
  readonly message: string;
}

/** What is wrong with a configuration file: all of it, not only the first. */
class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly mistakes: readonly Mistake[];

  constructor(mistakes: readonly Mistake[]) {
    super(mistakes.map(formatMistake).join('\n'));
    this.mistakes = mistakes;
  }
}

const formatMistake = ({ path, line, message }: Mistake) =>
  `${path === '' ? 'the file' : path}${line === undefined ? '' : ` (line ${line})`}: ${message}`;

/**
 * Reads a configuration from YAML. `${NAME}` in a value is taken from the environment after the YAML was parsed, so that
 * no value can become structure.
 * @throws {ConfigError} with every mistake.
 */
export function parseConfig(text: string, environment: Readonly<Record<string, string | undefined>>): Config {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  if (document.errors.length > 0)
    throw new ConfigError(
      document.errors.map(({ message, linePos }) => ({
        path: '',
        line: linePos?.[0].line,
        message: message.split('\n')[0] ?? message,
      })),
    );
  const lineOf = (path: readonly PropertyKey[]) => findLine(document, lines, path);
  const missing = insertEnvironment(document, environment, lines);
  const parsed = configSchema.safeParse(document.toJS() ?? {});
  const wrong = (parsed.error?.issues ?? []).flatMap((issue): Finding[] =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => [
          [...issue.path, key],
          'is not an option; see gateway.schema.json for those there are',
        ])
      : [[issue.path, describe(issue.message, issue.code, valueAt(document, issue.path))]],
  );
  const mistakes = [
    ...missing,
    ...[...wrong, ...findContradictions(document.toJS())].map(([path, message]) => ({
      path: formatPath(path),
      line: lineOf(path),
      message,
    })),
  ];
  if (parsed.success && mistakes.length === 0) return parsed.data;
  throw new ConfigError(mistakes);
}

// what may be or hold a secret is not repeated, whatever is wrong with it
const isSecret = /secret|token|url/i;
const mayHoldSecret = /[@?#]/;

function describe(message: string, code: string, { key, value }: { key: string; value: unknown }): string {
  if (value === undefined && code === 'invalid_type') return 'is missing';
  const mayBeSaid =
    typeof value !== 'object' &&
    value !== undefined &&
    !isSecret.test(key) &&
    !mayHoldSecret.test(String(value));
  return mayBeSaid ? `${message}, not ${JSON.stringify(value)}` : message;
}

function valueAt(document: Document, path: readonly PropertyKey[]): { key: string; value: unknown } {
  const value = document.getIn(path as unknown[]);
  return { key: String(path.at(-1) ?? ''), value };
}

const formatPath = (path: readonly PropertyKey[]) =>
  path.reduce<string>(
    (text, part) =>
      typeof part === 'number' ? `${text}[${part}]` : text === '' ? String(part) : `${text}.${String(part)}`,
    '',
  );

/** The line of what a path leads to, or of the nearest thing around it. */
function findLine(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number | undefined {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length) as unknown[], true) as
      | { range?: readonly number[] }
      | undefined;
    const start = node?.range?.[0];
    if (start !== undefined) return lines.linePos(start).line;
  }
  return undefined;
}

const variable = /\$\{([A-Za-z_]\w*)\}/g;

function insertEnvironment(
  document: Document,
  environment: Readonly<Record<string, string | undefined>>,
  lines: LineCounter,
): Mistake[] {
  const missing: Mistake[] = [];
  visit(document, {
    Scalar(key, node: Scalar, path) {
      if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('${')) return;
      const line = node.range ? lines.linePos(node.range[0]).line : undefined;
      const where = path
        .flatMap((step) => ('key' in step && isScalar(step.key) ? [String(step.key.value)] : []))
        .join('.');
      const isWhole = /^\$\{\w+\}$/.test(node.value);
      const value = node.value.replace(variable, (_whole, name: string) => {
        const found = environment[name];
        if (found === undefined)
          missing.push({ path: where, line, message: `the environment variable ${name} is not set` });
        return found ?? `(${name})`;
      });
      // ${PORT} without quotes may stand for a number or a boolean, as any value without quotes may
      node.value = isWhole && node.type === 'PLAIN' ? resolvePlain(value) : value;
    },
  });
  return missing;
}

function resolvePlain(value: string): unknown {
  if (/^(?:true|false)$/.test(value)) return value === 'true';
  return /^-?\d+(?:\.\d+)?$/.test(value) ? Number(value) : value;
}
