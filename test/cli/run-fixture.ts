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

/** Fixtures that are installed, built and verified in full; the others differ from them in their sources only. */
const fullyVerified: ReadonlySet<string> = new Set([
  'assigned-from-stdio',
  'bun-without-build',
  'class-owner',
  'connect-not-awaited',
  'credentials-in-headers',
  'env-between-registrations',
  'example',
  'factory-already-there',
  'inside-async-main',
  'inside-iife',
  'javascript-commonjs',
  'javascript-esm',
  'low-level-server',
  'registrations-in-main',
  'script-of-its-own',
  'state-isolated',
  'top-level-await',
  'tsx-without-build',
  'typescript-commonjs',
]);

export const isFullyVerified = (name: string): boolean => fullyVerified.has(name);

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
