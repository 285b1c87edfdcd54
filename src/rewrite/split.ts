import { isInside, ts } from '../inspect/source.js';
import type { Diagnostic } from '../model.js';
import { type EntryModule, entryModule, type SplitInput } from './entry-module.js';
import { existingFactory } from './existing-factory.js';
import type { Factory } from './factory-text.js';
import { inPlace } from './in-place.js';
import { intoSibling } from './into-sibling.js';
import { type Placement, placeStatements } from './place-statements.js';
import { takesFactory } from './server-exports.js';

/** Where the HTTP service finds the factory, and the module that was made for it, if any. */
export interface Split {
  readonly kind: 'server' | 'server-factory' | 'program';
  readonly module: string;
  readonly exportName: string;
  /** The property of the set-up's result that is the factory. */
  readonly member?: string;
  /** The factory gives an object that connects a server, not the server itself. */
  readonly connects?: boolean;
  /** The property of what the factory gives that is the server. */
  readonly serverMember?: string;
  /** The new module with the server, next to the entry. */
  readonly created?: { readonly path: string; readonly text: string };
  readonly diagnostics: readonly Diagnostic[];
}

/** Divides the module that starts the server into the factory and the stdio program. */
export function splitEntry(input: SplitInput): Split {
  const entry = entryModule(input);
  const found = placeStatements(entry);
  const existing = existingFactory(entry, found);
  const placement = existing ? placeStatements(entry, existing.call) : found;
  const early = [
    ...exitInsteadOfReturn(entry, placement),
    ...leftInBlocks(entry, placement),
    ...placement.servesOtherwise.map((statement) => ({
      code: 'served-otherwise',
      at: entry.sources.locationOf(statement),
      args: {},
    })),
  ];
  if (existing?.isReady)
    return { kind: 'server', module: existing.module, exportName: existing.exportName, diagnostics: early };
  if (takesFactory(entry, placement)) {
    const { factory, diagnostics } = inPlace(entry, placement);
    return { ...madeBy(factory), module: entry.path, diagnostics: [...early, ...diagnostics] };
  }
  const { factory, created, diagnostics } = intoSibling(entry, placement, existing);
  return { ...madeBy(factory), module: created.path, created, diagnostics: [...early, ...diagnostics] };
}

const madeBy = ({ kind, name, inner, result }: Factory) => ({
  kind,
  exportName: name,
  ...(result.gives === 'connect' ? { connects: true } : {}),
  ...(result.gives === 'server' && result.needed.length > 0 ? { serverMember: result.needed[0]! } : {}),
  ...(inner && result.prepared.length > 0 ? { member: inner } : {}),
});

/** A `return` that gave up starting the program: in the factory, the program ends there as well. */
function exitInsteadOfReturn(
  { sources, edits, semicolon }: EntryModule,
  { givingUp }: Placement,
): readonly Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  for (const node of givingUp) {
    if (node.expression && node.expression.getText() !== 'undefined')
      diagnostics.push({ code: 'early-return', at: sources.locationOf(node), args: {} });
    else edits.replace(node.getStart(), node.end, `process.exit()${semicolon}`);
  }
  return diagnostics;
}

/** Variables of a block around the function that connects: what moves out of the function has them no more. */
function leftInBlocks(
  { sources, file, analysis }: EntryModule,
  { setUp, frameServer, afterConnect }: Placement,
): readonly Diagnostic[] {
  const { fn } = analysis.lifetimes.frame;
  if (!fn) return [];
  const moved = [...setUp, ...frameServer, ...afterConnect];
  const used = new Set(moved.flatMap((statement) => [...sources.symbolsIn(statement)]));
  return [...used].flatMap(({ name, valueDeclaration: declared }) => {
    const isOfBlock =
      declared?.getSourceFile() === file &&
      ts.isVariableDeclaration(declared) &&
      !isOfModule(declared) &&
      !isInside(declared, fn) &&
      !moved.some((statement) => isInside(declared, statement));
    return isOfBlock ? [{ code: 'declared-in-block', at: sources.locationOf(declared), args: { name } }] : [];
  });
}

/** Not one of a block, a loop or a `catch`. */
export const isOfModule = ({ parent: { parent } }: ts.VariableDeclaration): boolean =>
  ts.isVariableStatement(parent) && ts.isSourceFile(parent.parent);
