import { createReadStream, readFileSync } from 'node:fs';
import { text as readAll } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import type { Config } from './config-schema.js';
import { describeHiddenRoutes } from './hidden-routes.js';

// what is not needed is not loaded, since a start costs what its modules cost

/** What a command has to do with: `process`, or what stands in for it. */
export interface Surroundings {
  readonly stdin: AsyncIterable<Buffer | string>;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  readonly env: Readonly<Record<string, string | undefined>>;
}

const usage = `Usage: phantom-token-gateway --config <file>

  --config <file>  the configuration, YAML; - for standard input
  --check          says what is wrong with the configuration, and ends
  --schema         prints the JSON Schema of the configuration
  --version        says which version this is
  --help           says this

SIGHUP reads the file again, SIGTERM ends after what is under way.
`;

/** The arguments or the file are wrong: nothing was started. */
const invalid = 2;
const failed = 1;

/** Ends the command with what is wrong. */
class Invalid extends Error {}

function readArguments(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        config: { type: 'string' },
        check: { type: 'boolean' },
        schema: { type: 'boolean' },
        version: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    });
    return values;
  } catch (error) {
    throw new Invalid(`${(error as Error).message}\n\n${usage}`);
  }
}

/** Does what the arguments say. Resolves with the exit code, or, where a gateway was started, with 0 once it listens. */
export async function runCommand(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const { stderr } = surroundings;
  try {
    return await obey(args, surroundings);
  } catch (error) {
    const { message } = error as Error;
    const isInvalid = error instanceof Invalid || error instanceof TypeError;
    stderr.write(isInvalid ? `${message.trimEnd()}\n` : `the gateway could not start: ${message}\n`);
    return isInvalid ? invalid : failed;
  }
}

async function obey(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const { stdout, stderr } = surroundings;
  const { config: file, check, schema, version, help } = readArguments(args);
  if (help) {
    stdout.write(usage);
  } else if (schema) {
    const { buildJsonSchema } = await import('./config-schema.js');
    stdout.write(`${JSON.stringify(buildJsonSchema(), undefined, 2)}\n`);
  } else if (version) {
    const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
    stdout.write(`${manifest.version}\n`);
  } else if (file === undefined) {
    throw new Invalid(`--config is missing\n\n${usage}`);
  } else {
    const config = await readFirst(file, surroundings);
    if (check) {
      for (const warning of describeHiddenRoutes(config)) stderr.write(`${warning}\n`);
      stdout.write('the configuration is valid\n');
    } else {
      const { runGateway } = await import('./gateway.js');
      await runGateway(config, () => readAgain(file, surroundings));
    }
  }
  return 0;
}

async function readFirst(file: string, surroundings: Surroundings): Promise<Config> {
  try {
    return await readConfig(file, surroundings);
  } catch (error) {
    const { name, message, code } = error as NodeJS.ErrnoException;
    throw new Invalid(name === 'ConfigError' ? message : `the configuration cannot be read: ${code ?? name}`);
  }
}

async function readConfig(file: string, { stdin, env }: Surroundings): Promise<Config> {
  const { parseConfig } = await import('./config-file.js');
  const stream = file === '-' ? stdin : createReadStream(file);
  return parseConfig(await readAll(stream as AsyncIterable<Buffer>), env);
}

async function readAgain(file: string, surroundings: Surroundings): Promise<Config> {
  if (file === '-') throw new Error('a configuration from standard input cannot be read again');
  return readConfig(file, surroundings);
}
