import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { transform } from 'esbuild';
import { expect } from 'vitest';
import { isError } from '../../src/diagnostics.js';
import type { Options } from '../../src/model.js';
import { snapshot } from '../disk/scratch.js';
import { repository, run, type Service } from '../runtime/service.js';
import { convertQuietly, readFixtures } from './run-fixture.js';

interface Given {
  readonly features?: Partial<Options>;
  readonly env?: Record<string, string>;
  /** Changes a compiled module before it runs. */
  readonly spoil?: (file: string, text: string) => string;
}

/** Compiles what stands in a folder, with this repository's packages. */
async function compile(root: string, spoil?: Given['spoil']): Promise<void> {
  fs.symlinkSync(path.join(repository, 'node_modules'), path.join(root, 'node_modules'));
  const sources = Object.entries(snapshot(path.join(root, 'src'))).filter(([file]) => file.endsWith('.ts'));
  for (const [file, text] of sources) {
    const { code } = await transform(text, { loader: 'ts', target: 'node20' });
    const output = file.replace(/\.ts$/, '.js');
    write(root, `dist/${output}`, spoil?.(output, code) ?? code);
  }
}

/** Compiles a fixture as it is, in a folder of its own. */
export async function compileSources(name: string): Promise<string> {
  const fixture = readFixtures('convert').find((one) => one.name === name)!;
  const root = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'create-mcp-prod-'));
  for (const [file, text] of Object.entries(fixture.input)) write(root, file, text);
  await compile(root);
  return root;
}

/** Converts a fixture into a folder of its own and compiles it there, with this repository's packages. */
export async function compileFixture(name: string, { features, spoil }: Given = {}): Promise<string> {
  const fixture = readFixtures('convert').find((one) => one.name === name)!;
  const root = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'create-mcp-prod-'));
  for (const [file, text] of Object.entries(fixture.input)) write(root, file, text);
  const { result } = await convertQuietly(root, { ...fixture.features, ...features });
  expect(result.diagnostics.filter(isError)).toEqual([]);
  await compile(root, spoil);
  return root;
}

/** Converts a fixture and starts its HTTP service. */
export const serveFixture = async (name: string, given: Given = {}): Promise<Service> =>
  run(await compileFixture(name, given), given);

function write(root: string, file: string, text: string): void {
  fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
  fs.writeFileSync(path.join(root, file), text);
}
