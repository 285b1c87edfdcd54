/** Makes everything that is measured: stdio servers, their conversions, and factories for the patterns beside them. */

import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { cli, work } from '../places.js';
import { type sizes as allSizes, sizes } from './registrations.js';
import { writeFactory, writeStdioProject } from './write-sources.js';

const execute = promisify(execFile);

export type Tools = keyof typeof allSizes;

/** Conversions of one server: what a user gets with `--auth api-key`, and the same with parts left out. */
const conversions = {
  stateless: ['--auth', 'api-key'],
  stateful: ['--auth', 'api-key', '--sessions', 'stateful'],
  'no-auth': ['--auth', 'none'],
  'no-limits': ['--auth', 'api-key', '--rate-limit', 'none'],
  'no-auth-no-limits': ['--auth', 'none', '--rate-limit', 'none'],
} as const;

export type Conversion = keyof typeof conversions;

export const stdioFolder = (tools: Tools): string => path.join(work, `stdio-${tools}`);
export const convertedFolder = (tools: Tools, conversion: Conversion): string =>
  path.join(work, `converted-${tools}-${conversion}`);
export const factoryFile = (tools: Tools, dialect: 'v1' | 'v2'): string =>
  path.join(work, 'factories', `${dialect}-${tools}.mjs`);

/** The stdio server with its factories. */
export async function prepareStdio(tools: Tools): Promise<void> {
  const folder = stdioFolder(tools);
  fs.rmSync(folder, { recursive: true, force: true });
  writeStdioProject(folder, sizes[tools]);
  for (const dialect of ['v1', 'v2'] as const)
    writeFactory(factoryFile(tools, dialect), sizes[tools], dialect);
  await compile(folder);
}

/** A copy of the stdio server, converted by this repository's command and built. */
export async function prepareConverted(tools: Tools, conversion: Conversion): Promise<void> {
  const folder = convertedFolder(tools, conversion);
  fs.rmSync(folder, { recursive: true, force: true });
  writeStdioProject(folder, sizes[tools]);
  await convert(folder, conversions[conversion]);
  await compile(folder);
}

/** Converts a project in place. The packages come from this one, so nothing is installed. */
export async function convert(folder: string, options: readonly string[]): Promise<void> {
  const how = [
    '--yes',
    '--quiet',
    '--no-install',
    '--no-verify',
    '--no-docker',
    '--ci',
    'none',
    '--allow-dirty',
  ];
  await execute(process.execPath, [cli, folder, ...how, ...options]);
}

/** JavaScript like that of the project's own build, without its checks: what takes long there is not measured here. */
async function compile(folder: string): Promise<void> {
  const sources = fs.readdirSync(path.join(folder, 'src'), { recursive: true, encoding: 'utf8' });
  await build({
    entryPoints: sources.filter((file) => file.endsWith('.ts')).map((file) => path.join(folder, 'src', file)),
    outbase: path.join(folder, 'src'),
    outdir: path.join(folder, 'dist'),
    format: 'esm',
    target: 'es2022',
  });
}
