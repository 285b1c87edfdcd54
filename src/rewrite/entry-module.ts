import type { Analysis } from '../inspect/analysis.js';
import { callsFrame } from '../inspect/frame.js';
import { isInside, type Sources, ts } from '../inspect/source.js';
import type { Build, Project } from '../model.js';
import { type FileEdits, indentUnit } from './edits.js';
import { type ModuleStyle, moduleStyle } from './module-style.js';
import { firstFree, namesIn } from './names.js';
import type { Registration } from './registrations.js';

/** What is known when the module that starts the server is divided. */
export interface SplitInput {
  readonly project: Project;
  readonly analysis: Analysis;
  readonly build: Build;
  readonly editsOf: (file: ts.SourceFile) => FileEdits;
  readonly registrations: readonly Registration[];
  /** Import line that brings what the text calls of the session-scope module into a module at this path. */
  readonly scopeImport: (path: string, text: string) => string;
  readonly scopedFiles: ReadonlySet<ts.SourceFile>;
  /** The import of what lets the program connect with the transport of a client, where it takes that itself. */
  readonly transportImport?: string;
}

/** The module that is divided, and the way its author writes code. */
export interface EntryModule extends SplitInput, ModuleStyle {
  readonly sources: Sources;
  readonly file: ts.SourceFile;
  readonly path: string;
  readonly edits: FileEdits;
  /** One step of indentation. */
  readonly unit: string;
}

/** The module that holds the start of the server, ready to be divided. */
export function entryModule(input: SplitInput): EntryModule {
  const { sources, lifetimes } = input.analysis;
  const { file } = lifetimes.frame;
  return {
    ...input,
    ...moduleStyle(file),
    sources,
    file,
    path: sources.pathOf(file),
    edits: input.editsOf(file),
    unit: indentUnit(file.text),
  };
}

/** Does importing the module start the program? */
export function runsOnImport({ analysis, sources, file }: EntryModule): boolean {
  const { frame } = analysis.lifetimes;
  const { fn } = frame;
  if (!fn) return true;
  return (
    file.statements.some((statement) => callsFrame(sources, statement, frame) && !isInside(fn, statement)) ||
    isCalledWhereItStands(fn)
  );
}

function isCalledWhereItStands(fn: ts.Node): boolean {
  let at = fn;
  while (ts.isParenthesizedExpression(at.parent)) at = at.parent;
  return ts.isCallExpression(at.parent) || ts.isPropertyAccessExpression(at.parent);
}

/** The first of the names, or a variation of the last, that nothing in the module is called. */
export function freeName({ file }: EntryModule, candidates: readonly string[]): string {
  const taken = namesIn(file);
  return firstFree(candidates, (name) => taken.has(name));
}
