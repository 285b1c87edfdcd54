import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { isError } from '../../src/diagnostics.js';
import { applyChanges } from '../../src/disk.js';
import type { Manifest } from '../../src/model.js';
import { MANIFEST } from '../../src/plan/manifest.js';
import { scratch, snapshot } from '../disk/scratch.js';
import { convertQuietly, type Fixture, readFixtures } from './run-fixture.js';

/** `UPDATE_FIXTURES=1` writes what the conversion makes into `expected/`, to be read in the diff. */
const updating = process.env.UPDATE_FIXTURES === '1';

/**
 * What a fixture expects: everything but the service's own files, which are the templates as they are and have tests of
 * their own. The seam, which differs from project to project, stays.
 */
function comparable(converted: Readonly<Record<string, string>>): Record<string, string> {
  const manifest = JSON.parse(converted[MANIFEST] ?? '{}') as Manifest;
  const verbatim = (file: string) =>
    file === MANIFEST || (file in manifest.base && !path.posix.basename(file).startsWith('server-factory.'));
  return Object.fromEntries(Object.entries(converted).filter(([file]) => !verbatim(file)));
}

function expectedOf(fixture: Fixture, actual: Readonly<Record<string, string>>): Record<string, string> {
  const directory = path.join(fixture.directory, 'expected');
  if (updating) {
    fs.rmSync(directory, { recursive: true, force: true });
    for (const [file, text] of Object.entries(actual)) {
      fs.mkdirSync(path.dirname(path.join(directory, file)), { recursive: true });
      fs.writeFileSync(path.join(directory, file), text);
    }
  }
  return snapshot(directory);
}

describe('a fixture that converts', () => {
  it.each(readFixtures('convert').map((fixture) => [fixture.name, fixture] as const))(
    '%s',
    async (_, fixture) => {
      const root = scratch(fixture.input);
      const { exitCode, result } = await convertQuietly(root, fixture.features);
      expect(result.diagnostics.filter(isError)).toEqual([]);
      expect(exitCode).toBe(0);

      const converted = snapshot(root);
      const actual = comparable(converted);
      expect(actual).toEqual(expectedOf(fixture, actual));

      const again = await convertQuietly(root, {});
      expect(again.result.changes.map((change) => change.path)).toEqual([]);
      expect(snapshot(root)).toEqual(converted);

      const inverted = result.changes.map((change) => ({
        ...change,
        before: change.after,
        after: change.before,
      }));
      expect(await applyChanges(root, inverted)).toEqual({ outcome: 'applied' });
      const emptied = Object.entries(snapshot(root)).filter(([file]) => !file.endsWith('/'));
      expect(Object.fromEntries(emptied)).toEqual(fixture.input);
    },
  );
});

describe('a fixture that is refused', () => {
  // The directory is named after the code, with a dot before what tells several of them apart.
  it.each(readFixtures('refuse').map((fixture) => [fixture.name, fixture] as const))(
    '%s',
    async (name, fixture) => {
      const root = scratch(fixture.input);
      const { exitCode, result } = await convertQuietly(root, fixture.features);
      expect(result.diagnostics.filter(isError).map((one) => one.code)).toContain(name.split('.')[0]);
      expect(exitCode).toBe(1);
      expect(snapshot(root)).toEqual(fixture.input);
    },
  );
});
