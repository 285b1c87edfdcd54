import { basename, dirname } from 'node:path/posix';
import { patternNames } from '../inspect/lasting.js';
import type { Lifetimes } from '../inspect/lifetimes.js';
import { placeOfLoading } from '../inspect/module-effects.js';
import { awaits, type Sources, ts } from '../inspect/source.js';
import { extentOf, type FileEdits, indentUnit, isApart, reindent } from './edits.js';
import { moduleStyle } from './module-style.js';

/** A function made from a module's top-level statements that have to run once for each client. */
export interface Registration {
  readonly file: string;
  readonly name: string;
  readonly isAsync: boolean;
  /** Where the frame's module has this one evaluated: what stands in front of that runs before. */
  readonly loadedAt: number;
}

/** Wraps the statements of other modules that register on the server, or fill what each client has, into functions. */
export function wrapRegistrations(
  sources: Sources,
  lifetimes: Lifetimes,
  editsOf: (file: ts.SourceFile) => FileEdits,
): Registration[] {
  const byFile = new Map<ts.SourceFile, ts.Node[]>();
  const { elsewhere, taken, frame } = lifetimes;
  for (const node of [...elsewhere, ...taken.filter((one) => one.getSourceFile() !== frame.file)]) {
    const file = node.getSourceFile();
    byFile.set(file, [...(byFile.get(file) ?? []), node]);
  }
  const names = new Set<string>();
  return [...byFile].map(([file, nodes]) => {
    const path = sources.pathOf(file);
    const name = nameFor(path, file, names);
    const edits = editsOf(file);
    const { isCommonJs, semicolon } = moduleStyle(file);
    const inOrder = [...nodes].sort((one, other) => one.pos - other.pos);
    const statements = inOrder.filter((node): node is ts.Statement => !ts.isVariableDeclaration(node));
    const isAsync = statements.some((statement) => awaits(statement));
    const unit = indentUnit(file.text);
    const body = inOrder
      .map((node, index) => {
        if (ts.isVariableDeclaration(node)) return takingText(node, semicolon, unit);
        const { start, end } = extentOf(node as ts.Statement);
        const previous = inOrder[index - 1];
        const gap = previous && !ts.isVariableDeclaration(previous) && isApart(previous, node) ? '\n' : '';
        return `${gap}${reindent(edits, start, end, 1, unit)}`;
      })
      .join('\n');
    const exported = isCommonJs ? '' : 'export ';
    const text = `/** Runs once for each client. */\n${exported}${isAsync ? 'async ' : ''}function ${name}() {\n${body}\n}`;
    for (const statement of statements.slice(0, -1)) {
      const { start, end } = extentOf(statement);
      edits.replace(start, end + (/^\r?\n/.exec(file.text.slice(end))?.[0].length ?? 0), '');
    }
    const last = statements.at(-1);
    if (last) edits.replace(extentOf(last).start, extentOf(last).end, text);
    else edits.insert(file.text.length, `\n${text}\n`);
    // At the end: `module.exports = { … }` puts others in the place of those before.
    if (isCommonJs) edits.insert(file.text.length, `\nmodule.exports.${name} = ${name}${semicolon}\n`);
    return { file: path, name, isAsync, loadedAt: placeOfLoading(sources, frame.file, file) };
  });
}

/** Has a client's own values made now, before the client changes what they are made of. */
export function takingText(declaration: ts.VariableDeclaration, semicolon: string, indent: string): string {
  const { name } = declaration;
  const names = ts.isIdentifier(name) ? [name] : patternNames(declaration).map((element) => element.name);
  return names.map((one) => `${indent}void ${one.getText()}.value${semicolon}`).join('\n');
}

function nameFor(path: string, file: ts.SourceFile, taken: Set<string>): string {
  const stem = basename(path).replace(/\.[^.]+$/, '');
  const own = stem === 'index' ? basename(dirname(path)) : stem;
  const candidates = [
    `register${pascal(own)}`,
    `register${pascal(basename(dirname(path)))}${pascal(own)}`,
    `initialize${pascal(own)}`,
  ];
  const name =
    candidates.find(
      (candidate) => !taken.has(candidate) && !new RegExp(`\\b${candidate}\\b`).test(file.text),
    ) ?? `${candidates[0]}ForClient`;
  taken.add(name);
  return name;
}

const pascal = (text: string): string =>
  text
    .replace(/(?:^|[^A-Za-z0-9]+)([A-Za-z0-9])/g, (_, letter: string) => letter.toUpperCase())
    .replace(/[^A-Za-z0-9]/g, '');
