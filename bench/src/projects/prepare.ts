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

interface Conversion {
  readonly options: readonly string[];
  /** Every request gets a fresh server, as where the inspection cannot prove that one keeps nothing. */
  readonly fresh?: boolean;
  /** The factory makes its schemas anew for every server, as they stood in the program. */
  readonly unlifted?: boolean;
}

const apiKey = ['--auth', 'api-key'];
const stateful = [...apiKey, '--sessions', 'stateful'];

/** Conversions of one server: what a user gets with `--auth api-key`, and the same with parts left out. */
const conversions = {
  stateless: { options: apiKey },
  stateful: { options: stateful },
  'no-auth': { options: ['--auth', 'none'] },
  'no-limits': { options: [...apiKey, '--rate-limit', 'none'] },
  'no-auth-no-limits': { options: ['--auth', 'none', '--rate-limit', 'none'] },
  fresh: { options: apiKey, fresh: true },
  'fresh-unlifted': { options: apiKey, fresh: true, unlifted: true },
  'stateful-unlifted': { options: stateful, unlifted: true },
} as const satisfies Record<string, Conversion>;

export type ConversionName = keyof typeof conversions;
export const conversionNames = Object.keys(conversions) as readonly ConversionName[];

export const stdioFolder = (tools: Tools): string => path.join(work, `stdio-${tools}`);
export const convertedFolder = (tools: Tools, conversion: ConversionName): string =>
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
export async function prepareConverted(tools: Tools, conversion: ConversionName): Promise<void> {
  const folder = convertedFolder(tools, conversion);
  fs.rmSync(folder, { recursive: true, force: true });
  writeStdioProject(folder, sizes[tools]);
  const { options, fresh, unlifted }: Conversion = conversions[conversion];
  await convert(folder, options);
  if (fresh)
    replaceIn(
      path.join(folder, 'src/http/server-factory.ts'),
      'reusable: boolean = true',
      'reusable: boolean = false',
    );
  if (unlifted) writeFactory(path.join(folder, 'src/create-server.ts'), sizes[tools], 'v1');
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

function replaceIn(file: string, from: string, to: string): void {
  const text = fs.readFileSync(file, 'utf8');
  if (!text.includes(from)) throw new Error(`${file} does not say: ${from}`);
  fs.writeFileSync(file, text.replace(from, to));
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
