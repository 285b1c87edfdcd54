/** Reads what a project uses from beside its directory, whether there is a workspace or not. */

import fs from 'node:fs';
import path from 'node:path';
import { parse } from 'jsonc-parser';
import { RELATIVE_IMPORT, SOURCE, sourcesOf } from '../inspect/resolver.js';
import type { Diagnostic } from '../model.js';
import { gather, readIfThere } from './read-project.js';

interface PackageJson {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/**
 * Adds to `around` the packages that the project depends on by their path (`file:../core`), and the modules outside of it
 * that are imported by a relative path; all paths relative to `root`. Gives what could not be read.
 */
export function readBeside(
  root: string,
  own: ReadonlyMap<string, string>,
  around: Map<string, string>,
): readonly Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  const queue = [...own, ...around];
  const add = (files: Iterable<readonly [string, string]>): void => {
    for (const [file, text] of files) {
      if (around.has(file)) continue;
      around.set(file, text);
      queue.push([file, text]);
    }
  };
  for (const [file, text] of queue) {
    for (const directory of path.basename(file) === 'package.json' ? dependenciesByPath(file, text) : []) {
      const known = around.has(`${directory}/package.json`) || !fs.existsSync(path.join(root, directory));
      if (known) continue;
      const part = gather(root, directory);
      diagnostics.push(...part.diagnostics);
      add(part.files);
    }
    if (SOURCE.test(file)) add(importedOutside(root, file, text));
  }
  return diagnostics;
}

/** Directories outside of the project that a package.json names as dependencies. */
function dependenciesByPath(file: string, text: string): string[] {
  const { dependencies, devDependencies } = (parse(text) ?? {}) as PackageJson;
  return Object.values({ ...dependencies, ...devDependencies })
    .flatMap((version) => /^(?:file|link|portal):(.+)$/.exec(version)?.[1] ?? [])
    .map((target) => path.posix.join(path.posix.dirname(file), target).replace(/\/$/, ''))
    .filter((directory) => isOutside(directory) && !/\.t(?:ar\.)?gz$/.test(directory));
}

/** The files outside of the project that a source imports by a relative path. */
function importedOutside(root: string, file: string, text: string): [string, string][] {
  return [...text.matchAll(RELATIVE_IMPORT)]
    .map(([, specifier = '']) => path.posix.join(path.posix.dirname(file), specifier))
    .filter(isOutside)
    .flatMap((target) => {
      for (const source of sourcesOf(target).filter((one) => SOURCE.test(one))) {
        const found = readIfThere(path.join(root, source));
        if (found !== undefined) return [[source, found] as [string, string]];
      }
      return [];
    });
}

const isOutside = (name: string): boolean => name.startsWith('../');
