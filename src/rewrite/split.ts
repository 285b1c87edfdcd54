import type { Diagnostic } from '../model.js';
import { type EntryModule, entryModule, runsOnImport, type SplitInput } from './entry-module.js';
import { existingFactory } from './existing-factory.js';
import { inPlace } from './in-place.js';
import { intoSibling } from './into-sibling.js';
import { type Placement, placeStatements } from './place-statements.js';

/** Where the HTTP service finds the factory, and the module that was made for it, if any. */
export interface Split {
  readonly kind: 'server' | 'server-factory';
  readonly module: string;
  readonly exportName: string;
  /** The new module with the server, next to the entry. */
  readonly created?: { readonly path: string; readonly text: string };
  readonly diagnostics: readonly Diagnostic[];
}

/** Divides the module that starts the server into the factory and the stdio program. */
export function splitEntry(input: SplitInput): Split {
  const entry = entryModule(input);
  const placement = placeStatements(entry);
  const early = exitInsteadOfReturn(entry, placement);
  const existing = existingFactory(entry, placement);
  if (existing) return { kind: 'server', ...existing, diagnostics: early };
  if (!runsOnImport(entry)) {
    const { factory, diagnostics } = inPlace(entry, placement);
    return {
      kind: factory.kind,
      module: entry.path,
      exportName: factory.name,
      diagnostics: [...early, ...diagnostics],
    };
  }
  const { factory, created, diagnostics } = intoSibling(entry, placement);
  return {
    kind: factory.kind,
    module: created.path,
    exportName: factory.name,
    created,
    diagnostics: [...early, ...diagnostics],
  };
}

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
