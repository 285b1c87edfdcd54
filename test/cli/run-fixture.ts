import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { convert } from '../../src/commands.js';
import type { Options } from '../../src/model.js';
import type { Flags, Outcome } from '../../src/run.js';
import { snapshot } from '../disk/scratch.js';

const fixtures = fileURLToPath(new URL('../../fixtures', import.meta.url));

/** A real directory below `fixtures/`, with what its `case.json` asks for. */
export interface Fixture {
  readonly name: string;
  readonly directory: string;
  readonly input: Readonly<Record<string, string>>;
  readonly features: Partial<Options>;
}

/** Fixtures that differ from the others in their sources only: compiled and compared, not installed and verified in full. */
const shapes: ReadonlySet<string> = new Set([
  'activity-watched',
  'ambient-declarations',
  'assigned-from-stdio',
  'built-by-a-bundler',
  'callback-with-options',
  'check-that-logs',
  'class-with-async-start',
  'class-with-helper',
  'closing-of-a-branch',
  'code-after-connect',
  'connect-behind-helper',
  'connect-behind-provider',
  'connect-in-nested-function',
  'connect-in-two-branches',
  'connect-on-two-ways',
  'environment-of-each-client',
  'exports-listed',
  'exports-program',
  'exports-server',
  'exports-server-imported',
  'factory-completed-later',
  'factory-filled-by-caller',
  'factory-start-stop',
  'factory-with-arguments',
  'guarded-block',
  'handlers-after-connect',
  'handlers-installed-by-a-function',
  'main-guard-commonjs',
  'main-guard-realpath',
  'messages-listened-to',
  'names-not-what-they-seem',
  'names-taken',
  'options-from-arguments',
  'prepared-by-a-callback',
  'prepared-on-the-way',
  'program-in-else',
  'program-in-two-modules',
  'runner-gives-server',
  'sdk-oldest',
  'sdk-v2-class-owner',
  'sdk-v2-plain-transport',
  'serve-stdio-named-factory',
  'serve-stdio-one-server',
  'serve-stdio-prepared',
  'serve-stdio-state-in-main',
  'serve-stdio-state-used-beside',
  'serve-stdio-through-function',
  'served-by-a-callback',
  'serves-http-as-well',
  'server-assigned-later',
  'server-that-waits',
  'several-entrypoints',
  'started-by-its-protocol',
  'started-through-a-callback',
  'started-with-command',
  'started-with-switch',
  'state-awaited',
  'state-isolated',
  'state-set-in-main',
  'subclass-of-mcp-server',
  'subcommands',
  'taken-before-it-changes',
  'tools-collected-by-import',
  'tools-import-entry',
  'tools-loaded-by-readdir',
  'tools-register-by-import',
  'transport-by-argument',
  'transport-of-a-branch',
  'transport-remembered',
  'transport-subclass',
]);

/** Fixtures that a test file of their own runs end to end. */
const provenElsewhere: ReadonlySet<string> = new Set([
  'cleans-up',
  'kinds-of-state',
  // By CI's runs of the packed command; the second with a Node that strips types.
  'example',
  'type-stripping',
  'worker-per-session',
]);

/** How a fixture is run end to end. */
export const isShape = (name: string): boolean => shapes.has(name);
export const isFullyVerified = (name: string): boolean => !shapes.has(name) && !provenElsewhere.has(name);

export function readFixtures(kind: 'convert' | 'refuse'): readonly Fixture[] {
  const parent = path.join(fixtures, kind);
  if (!fs.existsSync(parent)) return [];
  return fs.readdirSync(parent).map((name) => {
    const directory = path.join(parent, name);
    const file = path.join(directory, 'case.json');
    const features = fs.existsSync(file)
      ? (JSON.parse(fs.readFileSync(file, 'utf8')) as Partial<Options>)
      : {};
    return { name, directory, input: snapshot(path.join(directory, 'input')), features };
  });
}

/** Flags of a run that asks nothing, says nothing, installs nothing and verifies nothing. */
export const quietly = (dir: string, more: Partial<Flags> = {}): Flags => ({
  dir,
  features: {},
  yes: true,
  dryRun: false,
  diff: false,
  json: false,
  quiet: true,
  color: false,
  install: false,
  verify: false,
  allowDirty: false,
  verification: { call: [], replicas: false },
  ...more,
});

export const convertQuietly = (dir: string, features: Partial<Options>): Promise<Outcome> =>
  convert(quietly(dir, { features }));
