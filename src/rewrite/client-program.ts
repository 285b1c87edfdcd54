import type { Analysis } from '../inspect/analysis.js';
import { descendants, isAsync, ts } from '../inspect/source.js';
import { type FileEdits, indentUnit, reindent } from './edits.js';
import { localName } from './generated-names.js';
import type { Split } from './split.js';

/**
 * Leaves the program as it is, but for two places: the function that serves a client may be repeated for each, and the
 * transport is the client's.
 */
export function serveEachClient(analysis: Analysis, editsOf: (file: ts.SourceFile) => FileEdits): Split {
  const { sources, site, entry } = analysis;
  const program: Split = { kind: 'program', module: entry.file, exportName: '', diagnostics: [] };
  if (site.factory) {
    handFactoryOver(site.call, editsOf(site.call.getSourceFile()));
    return program;
  }
  const fn = site.program!;
  takeClientTransport(analysis, editsOf);
  const file = fn.getSourceFile();
  wrap(fn, editsOf(file), localName(file, 'perClient'));
  return { ...program, connects: true };

  function wrap(served: ts.FunctionLikeDeclaration, edits: FileEdits, perClient: string): void {
    const isValue = ts.isArrowFunction(served) || (ts.isFunctionExpression(served) && !usesThis(served));
    if (isValue) {
      edits.insertBefore(served.getStart(), `${perClient}(`);
      edits.insert(served.end, ')');
      return;
    }
    const body = served.body as ts.Block;
    const first = body.statements[0];
    const last = body.statements.at(-1);
    if (!first || !last) return;
    const unit = indentUnit(sources.files.get(sources.pathOf(served))?.text ?? '');
    const lineOf = (offset: number) => body.getSourceFile().text.lastIndexOf('\n', offset) + 1;
    const start = lineOf(first.getFullStart() + first.getLeadingTriviaWidth());
    const margin = /^[ \t]*/.exec(body.getSourceFile().text.slice(start))![0];
    const head = body.getStart() + 1;
    const inner = reindent(edits, head, last.end, 1, unit).replace(/^\s*\n/, '');
    edits.replace(
      head,
      last.end,
      `\n${margin}return ${perClient}(${isAsync(served) ? 'async ' : ''}() => {\n${inner}\n${margin}})();`,
    );
  }
}

/** `serveStdio(factory)` gives the factory to the service, when that has started the program. */
function handFactoryOver({ expression }: ts.CallExpression, edits: FileEdits): void {
  edits.insertBefore(expression.getStart(), `${localName(expression.getSourceFile(), 'handOver')}(`);
  edits.insert(expression.end, ')');
}

/** The transport of the client that is served, where the program makes its own. */
export function takeClientTransport(
  { site: { transport } }: Analysis,
  editsOf: (file: ts.SourceFile) => FileEdits,
): void {
  const file = transport.getSourceFile();
  editsOf(file).insert(transport.getStart(), `${localName(file, 'clientTransport')}(() => `);
  editsOf(file).insert(transport.end, ')');
}

const usesThis = (fn: ts.Node): boolean =>
  descendants(fn, (node): node is ts.Node => node.kind === ts.SyntaxKind.ThisKeyword).length > 0;
