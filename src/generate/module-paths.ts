import path from 'node:path/posix';
import type { Build, Inspection } from '../model.js';

/** How generated source files are named and how they import each other and the project. */
export interface ModulePaths {
  /** Extension of generated source files: `.ts`, `.mts`, `.js`, … */
  readonly extension: string;
  /** What an import of `file` is written as in a file in `folder`. */
  specifier(folder: string, file: string): string;
  /** The same for `import('…')`, where a compiler that knows Node asks for the extension in CommonJS too. */
  dynamicSpecifier(folder: string, file: string): string;
}

const emitted: Readonly<Record<string, string>> = {
  '.ts': '.js',
  '.tsx': '.js',
  '.mts': '.mjs',
  '.cts': '.cjs',
  '.jsx': '.js',
};

/** Follows the project: its entry's kind of file, and the extension its own imports carry. */
export function modulePaths(inspection: Inspection): ModulePaths {
  const entry = path.extname(inspection.entry?.file ?? '');
  const source = entry.replace('x', '') || (inspection.language === 'ts' ? '.ts' : '.js');
  const { importExtension, tool } = inspection.build;
  const spell = (folder: string, file: string, wanted: Build['importExtension']) => {
    const relative = path.relative(folder, file);
    return respell(relative.startsWith('.') ? relative : `./${relative}`, wanted);
  };
  return {
    extension: source,
    specifier: (folder, file) => spell(folder, file, importExtension),
    dynamicSpecifier: (folder, file) =>
      spell(folder, file, importExtension === '' && tool === 'tsc' ? '.js' : importExtension),
  };
}

function respell(specifier: string, wanted: Build['importExtension']): string {
  const extension = path.extname(specifier);
  const stem = specifier.slice(0, -extension.length);
  if (wanted === '') return stem;
  if (wanted === '.ts' || wanted === '.mts') return specifier;
  return stem + (emitted[extension] ?? extension);
}
