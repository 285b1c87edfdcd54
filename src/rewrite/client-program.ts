import type { Analysis } from '../inspect/analysis.js';
import { descendants, isAsync, ts } from '../inspect/source.js';
import { type FileEdits, indentUnit, reindent } from './edits.js';
import { firstFree, namesIn } from './names.js';
import type { Split } from './split.js';

/** What the generated module of such programs gives to their sources. */
type Helper = 'clientTransport' | 'perClient';

/** A module that uses helpers: the names between the braces of its import. */
export interface HelperUse {
  readonly file: ts.SourceFile;
  readonly names: readonly string[];
}

/**
 * Leaves the program as it is, but for two places: the function that serves a client may be repeated for each, and the
 * transport is the client's.
 */
export function serveEachClient(
  { sources, site, entry }: Analysis,
  editsOf: (file: ts.SourceFile) => FileEdits,
): { readonly split: Split; readonly uses: readonly HelperUse[] } {
  const fn = site.program!;
  const uses = new Map<ts.SourceFile, Set<string>>();
  const use = (file: ts.SourceFile, helper: Helper): string => {
    const taken = namesIn(file);
    const local = firstFree([helper, `${helper}OfService`], (name) => taken.has(name));
    uses.set(file, (uses.get(file) ?? new Set()).add(local === helper ? helper : `${helper} as ${local}`));
    return local;
  };
  const transportFile = site.transport.getSourceFile();
  const transport = use(transportFile, 'clientTransport');
  editsOf(transportFile).insertBefore(site.transport.getStart(), `${transport}(() => `);
  editsOf(transportFile).insert(site.transport.end, ')');
  const file = fn.getSourceFile();
  wrap(fn, editsOf(file), use(file, 'perClient'));
  return {
    split: {
      kind: 'program',
      module: entry.file,
      exportName: '',
      connects: true,
      diagnostics: [],
    },
    uses: [...uses].map(([one, names]) => ({ file: one, names: [...names].sort() })),
  };

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

const usesThis = (fn: ts.Node): boolean =>
  descendants(fn, (node): node is ts.Node => node.kind === ts.SyntaxKind.ThisKeyword).length > 0;
