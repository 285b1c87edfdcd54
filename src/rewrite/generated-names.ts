import type { ts } from '../inspect/source.js';
import { importLine, moduleStyle } from './module-style.js';
import { firstFree, namesIn } from './names.js';

/** What rewritten modules name of the generated ones, with the module that exports it. */
const MODULES = {
  clientTransport: 'client-transport',
  withTransport: 'client-transport',
  perClient: 'client-program',
  handOver: 'client-factory',
} as const;

type GeneratedName = keyof typeof MODULES;

/** What generated modules give is called so in a module, unless that calls something else so. */
export function localName(file: ts.SourceFile, name: GeneratedName): string {
  const taken = namesIn(file);
  return firstFree([name, `${name}OfService`], (one) => taken.has(one));
}

/**
 * The line that imports names, all of one generated module, into a file.
 *
 * @param specifierOf how a file names a generated module
 */
export function generatedImport(
  file: ts.SourceFile,
  names: readonly [GeneratedName, ...GeneratedName[]],
  specifierOf: (file: ts.SourceFile, module: string) => string,
): string {
  const style = moduleStyle(file);
  const imported = names.map((name) => {
    const local = localName(file, name);
    return local === name ? name : `${name}${style.isCommonJs ? ':' : ' as'} ${local}`;
  });
  return importLine(style, imported, specifierOf(file, MODULES[names[0]]));
}
