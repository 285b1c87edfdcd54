import { basename, dirname } from 'node:path/posix';
import type { Lifetimes } from '../inspect/lifetimes.js';
import { placeOfLoading } from '../inspect/module-effects.js';
import { awaits, type Sources, ts } from '../inspect/source.js';
import { extentOf, type FileEdits, indentUnit, isApart, reindent } from './edits.js';

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
  const byFile = new Map<ts.SourceFile, ts.Statement[]>();
  for (const statement of lifetimes.elsewhere) {
    const file = statement.getSourceFile();
    byFile.set(file, [...(byFile.get(file) ?? []), statement]);
  }
  const names = new Set<string>();
  return [...byFile].map(([file, statements]) => {
    const path = sources.pathOf(file);
    const name = nameFor(path, file, names);
    const edits = editsOf(file);
    const isAsync = statements.some((statement) => awaits(statement));
    const unit = indentUnit(file.text);
    const body = statements
      .map((statement, index) => {
        const { start, end } = extentOf(statement);
        const previous = statements[index - 1];
        return `${previous && isApart(previous, statement) ? '\n' : ''}${reindent(edits, start, end, 1, unit)}`;
      })
      .join('\n');
    const isEsm =
      file.statements.some(
        (statement) => ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement),
      ) || /\.[cm]?tsx?$/.test(path);
    const exported = isEsm ? 'export ' : '';
    const tail = isEsm ? '' : `\nmodule.exports.${name} = ${name};`;
    const text = `/** Runs once for each client. */\n${exported}${isAsync ? 'async ' : ''}function ${name}() {\n${body}\n}${tail}`;
    for (const statement of statements.slice(0, -1)) {
      const { start, end } = extentOf(statement);
      edits.replace(start, end + (/^\r?\n/.exec(file.text.slice(end))?.[0].length ?? 0), '');
    }
    const last = extentOf(statements.at(-1)!);
    edits.replace(last.start, last.end, text);
    return { file: path, name, isAsync, loadedAt: placeOfLoading(sources, lifetimes.frame.file, file) };
  });
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
