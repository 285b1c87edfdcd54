import type { ts } from '../inspect/source.js';
import { importLine, moduleStyle } from './module-style.js';
import { firstFree, namesIn } from './names.js';
import type { SdkName } from './sdk-names.js';

/** What rewritten modules name of the generated ones, with the module that exports it. */
const MODULES = {
  clientTransport: 'client-transport',
  withTransport: 'client-transport',
  perClient: 'client-program',
} as const;

export type GeneratedName = keyof typeof MODULES;

/** What generated modules are called in those of the project that use them. */
export class GeneratedNames {
  /**
   * @param specifierOf how a file names a generated module
   * @param addImport adds a line to a file's imports
   */
  constructor(
    private readonly specifierOf: (file: ts.SourceFile, module: string) => string,
    private readonly addImport: (file: ts.SourceFile, line: string) => void,
  ) {}

  /** A name that is free in the module, and the import for it. */
  of(file: ts.SourceFile, name: GeneratedName): Required<SdkName> {
    const style = moduleStyle(file);
    const taken = namesIn(file);
    const local = firstFree([name, `${name}OfService`], (one) => taken.has(one));
    const imported = local === name ? name : `${name}${style.isCommonJs ? ':' : ' as'} ${local}`;
    return { local, line: importLine(style, [imported], this.specifierOf(file, MODULES[name])) };
  }

  /** The name of what the module imports from now on. */
  imported(file: ts.SourceFile, name: GeneratedName): string {
    const { local, line } = this.of(file, name);
    this.addImport(file, line);
    return local;
  }
}
