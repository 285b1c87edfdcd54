import { ts } from '../inspect/source.js';

/** The way a module is written, which what is added to it follows. */
export interface ModuleStyle {
  readonly quote: '"' | "'";
  /** `;`, or nothing where the module has none. */
  readonly semicolon: ';' | '';
  /** TypeScript, where types can be written. */
  readonly isTypeScript: boolean;
  /** JavaScript that loads with `require`. */
  readonly isCommonJs: boolean;
}

/** The style of a module of the project. */
export function moduleStyle(file: ts.SourceFile): ModuleStyle {
  const { text } = file;
  const isTypeScript = /\.[cm]?tsx?$/.test(file.fileName);
  const count = (pattern: RegExp) => text.match(pattern)?.length ?? 0;
  return {
    quote: count(/(?:\bfrom\s+|\brequire\()"/g) > count(/(?:\bfrom\s+|\brequire\()'/g) ? '"' : "'",
    semicolon: /;[ \t]*(?:\r?\n|$)/.test(text) ? ';' : '',
    isTypeScript,
    isCommonJs: !isTypeScript && !/\.mjs$/.test(file.fileName) && !isEsm(file) && loads(file),
  };
}

const isEsm = (file: ts.SourceFile): boolean =>
  file.statements.some(
    (statement) =>
      ts.isImportDeclaration(statement) ||
      ts.isExportDeclaration(statement) ||
      ts.isExportAssignment(statement) ||
      (ts.canHaveModifiers(statement) &&
        ts.getModifiers(statement)?.some((one) => one.kind === ts.SyntaxKind.ExportKeyword)),
  );

const loads = (file: ts.SourceFile): boolean =>
  /\.cjs$/.test(file.fileName) || /\brequire\s*\(|\bexports\s*[.=[]/.test(file.text);

/** The line that brings values of a module in. */
export function importLine(
  { isCommonJs, quote, semicolon }: ModuleStyle,
  names: readonly string[],
  specifier: string,
): string {
  const list = names.join(', ');
  return isCommonJs
    ? `const { ${list} } = require(${quote}${specifier}${quote})${semicolon}`
    : `import { ${list} } from ${quote}${specifier}${quote}${semicolon}`;
}
