import type { Analysis } from '../inspect/analysis.js';
import { variableOf } from '../inspect/credentials.js';
import { stopsWithout } from '../inspect/findings.js';
import type { ts } from '../inspect/source.js';
import { isInside } from '../inspect/source.js';
import type { FileEdits } from './edits.js';
import { helperIn } from './scope-helpers.js';
import { asserted, scopeUses } from './session-state.js';

/**
 * Reads credentials of the client that is served instead of the environment: `process.env.TOKEN` becomes
 * `credential('TOKEN')`, the whole `process.env` becomes `environment()`. Returns the files that changed.
 */
export function readCredentials(
  { sources, lifetimes, credentials }: Analysis,
  editsOf: (file: ts.SourceFile) => FileEdits,
): Set<ts.SourceFile> {
  const touched = new Set<ts.SourceFile>();
  const onStdioOnly = [...lifetimes.transport].filter((statement) => statement !== lifetimes.frame.path);
  for (const { node, name } of credentials.reads) {
    if (onStdioOnly.some((statement) => isInside(node, statement))) continue;
    const file = node.getSourceFile();
    touched.add(file);
    const quote = quoteOf(file.text);
    const text =
      name === undefined
        ? `${helperIn(file, 'environment')}()`
        : `${helperIn(file, 'credential')}(${quote}${name}${quote})`;
    editsOf(file).replace(node.getStart(), node.end, text);
  }
  const patterns = new Map<ts.ObjectBindingPattern, [ts.Symbol, ts.BindingElement][]>();
  for (const [symbol, element] of credentials.destructured) {
    const pattern = element.parent as ts.ObjectBindingPattern;
    patterns.set(pattern, [...(patterns.get(pattern) ?? []), [symbol, element]]);
  }
  for (const [pattern, taken] of patterns) {
    touched.add(pattern.getSourceFile());
    const checked = new Set(
      taken.filter(([symbol]) => stopsWithout(sources, symbol)).map(([, element]) => element),
    );
    takeOut(
      pattern,
      taken.map(([, element]) => element),
      checked,
      editsOf(pattern.getSourceFile()),
    );
    for (const [symbol] of taken) scopeUses(sources, symbol, editsOf);
  }
  return touched;
}

/** `const { TOKEN, HOST } = process.env` → `const { HOST } = process.env` and a session-scoped `TOKEN`. */
function takeOut(
  pattern: ts.ObjectBindingPattern,
  taken: readonly ts.BindingElement[],
  checked: ReadonlySet<ts.BindingElement>,
  edits: FileEdits,
): void {
  const statement = pattern.parent.parent.parent as ts.VariableStatement;
  const modifiers = statement.modifiers?.map((modifier) => `${modifier.getText()} `).join('') ?? '';
  const { file } = edits;
  const quote = quoteOf(file.text);
  const end = statement.getText().endsWith(';') ? ';' : '';
  const lines = taken.map((element) => {
    const fallback = element.initializer ? ` ?? ${element.initializer.getText()}` : '';
    const read = `${helperIn(file, 'credential')}(${quote}${variableOf(element)}${quote})${fallback}`;
    const value = checked.has(element) && isTypeScript(file) ? asserted(read) : read;
    return `${modifiers}const ${element.name.getText()} = sessionScoped(() => ${value})${end}`;
  });
  const kept = pattern.elements.filter((element) => !taken.includes(element));
  const isAlone = kept.length === 0 && statement.declarationList.declarations.length === 1;
  if (isAlone) {
    edits.replace(statement.getStart(), statement.end, lines.join('\n'));
    return;
  }
  const rest = kept.map((element) => element.getText()).join(', ');
  edits.replace(pattern.getStart(), pattern.end, rest === '' ? '{}' : `{ ${rest} }`);
  edits.insert(statement.end, `\n${lines.join('\n')}`);
}

/** Declarations made from a credential without which the program stops: types rely on it. */
export function presentDeclarations({ sources, lifetimes }: Analysis): Set<ts.Node> {
  const present = lifetimes.findings.filter(
    ({ kind, symbol, declaration }) =>
      kind === 'credential' &&
      symbol !== undefined &&
      isTypeScript(declaration.getSourceFile()) &&
      stopsWithout(sources, symbol),
  );
  return new Set(present.map(({ declaration }) => declaration));
}

const isTypeScript = (file: ts.SourceFile): boolean => /\.[cm]?tsx?$/.test(file.fileName);

const quoteOf = (text: string): '"' | "'" =>
  (text.match(/"/g)?.length ?? 0) > (text.match(/'/g)?.length ?? 0) ? '"' : "'";
