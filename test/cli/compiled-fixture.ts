import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build, transform } from 'esbuild';
import { expect } from 'vitest';
import { isError } from '../../src/diagnostics.js';
import { readProject } from '../../src/disk.js';
import { inspectProject } from '../../src/inspect/inspect-project.js';
import type { Inspection, Options } from '../../src/model.js';
import { repository, run, type Service } from '../runtime/service.js';
import { convertQuietly, readFixtures } from './run-fixture.js';

/** Changes a compiled module before it runs. */
type Spoil = (file: string, text: string) => string;

interface Given {
  readonly features?: Partial<Options>;
  readonly env?: Record<string, string>;
  readonly spoil?: Spoil;
}

/** Compiles a fixture as it is, in a folder of its own. */
export async function compileSources(name: string): Promise<string> {
  const fixture = readFixtures('convert').find((one) => one.name === name)!;
  const root = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'create-mcp-prod-'));
  for (const [file, text] of Object.entries(fixture.input)) write(root, file, text);
  await compileProject(root, inspectProject(readProject(root)));
  return root;
}

/** Converts a fixture into a folder of its own and compiles it there, with this repository's packages. */
export async function compileFixture(name: string, { features, spoil }: Given = {}): Promise<string> {
  const fixture = readFixtures('convert').find((one) => one.name === name)!;
  const root = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'create-mcp-prod-'));
  for (const [file, text] of Object.entries(fixture.input)) write(root, file, text);
  const { result } = await convertQuietly(root, { ...fixture.features, ...features });
  expect(result.diagnostics.filter(isError)).toEqual([]);
  await compileProject(root, result.inspection!, spoil);
  return root;
}

/** Compiles a project with this repository's packages, quickly: types are not checked. */
export async function compileProject(root: string, inspection: Inspection, spoil?: Spoil): Promise<void> {
  fs.symlinkSync(path.join(repository, 'node_modules'), path.join(root, 'node_modules'));
  const { entry, build: how, moduleFormat } = inspection;
  if (how.kind === 'none' || !entry) return;
  const isCommonJs = moduleFormat === 'cjs';
  if (how.kind === 'bundler') return bundle(root, entry, isCommonJs);
  const { rootDir = '.', outDir = 'dist' } = how;
  for (const file of fs.readdirSync(path.join(root, rootDir), { recursive: true, encoding: 'utf8' })) {
    if (!/\.[cm]?tsx?$/.test(file) || /(?:^|\/)node_modules\/|\.d\.ts$/.test(file)) continue;
    const text = fs.readFileSync(path.join(root, rootDir, file), 'utf8');
    const { code } = await transform(text, {
      loader: 'ts',
      target: 'node20',
      ...(isCommonJs ? { format: 'cjs', supported: { 'dynamic-import': false } } : {}),
    });
    const output = file.replace(/\.([cm]?)tsx?$/, '.$1js');
    write(root, path.join(outDir, output), spoil?.(output, code) ?? code);
  }
}

/** The entry as any bundler makes it, and the service by the script that was added for it. */
async function bundle(
  root: string,
  { file, output }: { file: string; output: string },
  isCommonJs: boolean,
): Promise<void> {
  await build({
    entryPoints: [path.join(root, file)],
    outfile: path.join(root, output),
    bundle: true,
    platform: 'node',
    packages: 'external',
    format: isCommonJs ? 'cjs' : 'esm',
  });
  const { scripts } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
  if (scripts['build:http'])
    execFileSync('npx', scripts['build:http'].split(' '), { cwd: root, stdio: 'pipe' });
}

/** Converts a fixture and starts its HTTP service. */
export const serveFixture = async (name: string, given: Given = {}): Promise<Service> =>
  run(await compileFixture(name, given), given);

function write(root: string, file: string, text: string): void {
  fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
  fs.writeFileSync(path.join(root, file), text);
}
