import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { readTemplate } from '../../src/disk.js';
import { type GeneratedFile, generateService } from '../../src/generate/generate-service.js';
import type { Inspection, Options, Project, Seam } from '../../src/model.js';
import { defaultOptions, defaultSeam, inspection, projectOf } from '../runtime/service.js';

export interface Given {
  readonly manifest?: object;
  readonly files?: Readonly<Record<string, string>>;
  readonly project?: Partial<Project>;
  readonly inspection?: Partial<Inspection>;
  readonly options?: Partial<Options>;
  readonly seam?: Partial<Seam>;
}

export const typescriptBuild: Inspection['build'] = {
  kind: 'tsc',
  tool: 'tsc',
  runner: 'node',
  rootDir: 'src',
  outDir: 'dist',
  script: 'build',
  importExtension: '.js',
};

/** Every file generated for a small TypeScript project, by path. */
export function generate(given: Given = {}): ReadonlyMap<string, string> {
  const manifest = {
    name: '@acme/weather-server',
    version: '1.2.3',
    description: 'Says what the "weather" is',
    license: 'MIT',
    type: 'module',
    files: ['dist', 'README.md'],
    scripts: { build: 'tsc' },
    ...given.manifest,
  };
  const { files } = generateService({
    project: {
      ...projectOf({ 'package.json': JSON.stringify(manifest), 'package-lock.json': '', ...given.files }),
      ...given.project,
    },
    inspection: inspection({ build: typescriptBuild, ...given.inspection }),
    options: { ...defaultOptions, ...given.options },
    seam: { ...defaultSeam, ...given.seam },
    readTemplate,
  });
  return new Map(files.map((file: GeneratedFile) => [file.path, file.text]));
}

/** The text of one generated file. Throws when there is none. */
export function textOf(files: ReadonlyMap<string, string>, file: string): string {
  const text = files.get(file);
  if (text === undefined) throw new Error(`${file} was not generated, only ${[...files.keys()].join(', ')}`);
  return text;
}

/** A directory that is removed with the test. */
export function temporaryDirectory(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mcp-ops-'));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes generated files into `folder`. */
export function writeFiles(folder: string, files: Iterable<readonly [string, string]>): void {
  for (const [name, text] of files) {
    const target = path.join(folder, name);
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.writeFileSync(target, text);
  }
}
