/**
 * Writes a plan's changes: all of them, or none.
 *
 * A journal holding both sides of every change is on disk before the first file is touched, and leaves after the last.
 * While it is there, the run is unfinished: an error or a signal rolls back at once, and after a kill or a power loss the
 * next start does. The writing itself is synchronous, so that a signal is heard between two states, never inside one.
 */

import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { Change, Diagnostic } from '../model.js';

export const JOURNAL = '.create-mcp-prod.journal';

export type Applied =
  | { readonly outcome: 'applied' }
  /** Nothing was written, or everything was put back. */
  | { readonly outcome: 'refused'; readonly diagnostics: readonly Diagnostic[] };

/** What a journal found at the start led to. */
export type Recovered =
  | { readonly outcome: 'nothing' }
  | { readonly outcome: 'rolled-back'; readonly files: number }
  | { readonly outcome: 'refused'; readonly diagnostics: readonly Diagnostic[] };

interface Step {
  readonly path: string;
  readonly temporary: string;
  readonly before: string | null;
  readonly after: string | null;
  /** Permissions of the file that was there. */
  readonly mode?: number;
}

interface Journal {
  readonly steps: readonly Step[];
  /** Directories that did not exist before, outermost first. */
  readonly directories: readonly string[];
}

const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Applies all changes or none; a signal that arrives meanwhile also means none. */
export async function applyChanges(root: string, changes: readonly Change[]): Promise<Applied> {
  const objections = changes.flatMap((change) => objectionsTo(root, change));
  if (objections.length > 0) return { outcome: 'refused', diagnostics: objections };
  if (changes.length === 0) return { outcome: 'applied' };

  let signalled: NodeJS.Signals | undefined;
  const hear = (signal: NodeJS.Signals) => {
    signalled ??= signal;
  };
  // Whoever else would act on a signal, by exiting, has to wait until the disk is in one state or the other.
  const others = SIGNALS.map((signal) => [signal, process.listeners(signal)] as const);
  for (const signal of SIGNALS) process.removeAllListeners(signal).on(signal, hear);
  try {
    const journal = describe(root, changes);
    try {
      writeJournal(root, journal);
      for (const step of journal.steps) writeTemporary(root, step);
      for (const step of journal.steps) put(root, step);
      flushDirectories(root, journal);
      await new Promise(setImmediate);
      if (signalled) throw new Error(`interrupted by ${signalled}`);
      fs.unlinkSync(path.join(root, JOURNAL));
    } catch (error) {
      return { outcome: 'refused', diagnostics: [failed(error), ...rollBack(root, journal)] };
    }
    return { outcome: 'applied' };
  } finally {
    for (const [signal, listeners] of others) {
      process.off(signal, hear);
      for (const listener of listeners) process.on(signal, listener);
    }
  }
}

/** Rolls back what an earlier run left unfinished. To be called before anything is read. */
export function recoverInterrupted(root: string): Recovered {
  const file = path.join(root, JOURNAL);
  fs.rmSync(`${file}.new`, { force: true });
  const text = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : undefined;
  if (text === undefined) return { outcome: 'nothing' };
  const journal = JSON.parse(text) as Journal;
  // A journal could have come with a clone; it may not reach further than a run could.
  const real = fs.realpathSync(root);
  const leaves = (file: string) => !isInside(real, realTarget(path.resolve(real, file)));
  const outside = journal.steps.find((step) => leaves(step.path) || leaves(step.temporary));
  if (outside)
    return { outcome: 'refused', diagnostics: [{ code: 'path-outside', args: { file: outside.path } }] };
  const left = rollBack(root, journal);
  return left.length > 0
    ? { outcome: 'refused', diagnostics: left }
    : { outcome: 'rolled-back', files: journal.steps.length };
}

function failed(error: unknown): Diagnostic {
  return { code: 'write-failed', args: { reason: error instanceof Error ? error.message : String(error) } };
}

/** Why a change may not be made: it leaves the project, or the disk is not as it was read. */
function objectionsTo(root: string, change: Change): readonly Diagnostic[] {
  const args = { file: change.path };
  const at = { file: change.path, line: 1, column: 1 };
  const target = path.resolve(root, change.path);
  if (path.isAbsolute(change.path) || !isInside(root, target)) return [{ code: 'path-outside', args }];
  if (!isInside(fs.realpathSync(root), realTarget(target))) return [{ code: 'symlink-outside', args }];
  const stat = fs.statSync(target, { throwIfNoEntry: false });
  if (change.before === null) return stat ? [{ code: 'path-taken', at, args }] : [];
  const same = stat?.isFile() && fs.readFileSync(target).equals(Buffer.from(change.before));
  return same ? [] : [{ code: 'changed-meanwhile', at, args }];
}

function isInside(root: string, target: string): boolean {
  const relative = path.relative(root, target);
  return (
    relative !== '' &&
    relative !== '..' &&
    !relative.startsWith(`..${path.sep}`) &&
    !path.isAbsolute(relative)
  );
}

/** Where writing to `target` would end up: links resolved as far as the path exists. */
function realTarget(target: string): string {
  let existing = target;
  while (!fs.lstatSync(existing, { throwIfNoEntry: false })) existing = path.dirname(existing);
  const real = fs.statSync(existing, { throwIfNoEntry: false })
    ? fs.realpathSync(existing)
    : path.resolve(path.dirname(existing), fs.readlinkSync(existing)); // a dangling link
  return path.join(real, path.relative(existing, target));
}

function describe(root: string, changes: readonly Change[]): Journal {
  const id = randomBytes(4).toString('hex');
  const real = fs.realpathSync(root);
  const steps = changes.map((change): Step => {
    const target = path.relative(real, realTarget(path.resolve(root, change.path)));
    const temporary = path.join(path.dirname(target), `.${path.basename(target)}.${id}.tmp`);
    const mode = fs.statSync(path.join(real, target), { throwIfNoEntry: false })?.mode;
    return { path: target, temporary, before: change.before, after: change.after, ...(mode ? { mode } : {}) };
  });
  const directories = new Set<string>();
  for (const step of steps) {
    for (
      let at = path.dirname(step.path);
      at !== '.' && !fs.existsSync(path.join(root, at));
      at = path.dirname(at)
    ) {
      directories.add(at);
    }
  }
  return { steps, directories: [...directories].sort() };
}

function writeJournal(root: string, journal: Journal): void {
  const file = path.join(root, JOURNAL);
  writeFlushed(`${file}.new`, JSON.stringify(journal), 0o600);
  fs.renameSync(`${file}.new`, file);
  flushDirectory(root);
}

function writeTemporary(root: string, step: Step): void {
  if (step.after === null) return;
  const target = path.join(root, step.path);
  fs.mkdirSync(path.dirname(target), { recursive: true });
  writeFlushed(path.join(root, step.temporary), step.after, step.mode);
}

function put(root: string, step: Step): void {
  const target = path.join(root, step.path);
  if (step.after === null) fs.unlinkSync(target);
  else fs.renameSync(path.join(root, step.temporary), target);
}

function writeFlushed(file: string, text: string, mode?: number): void {
  const descriptor = fs.openSync(file, 'w', mode ?? 0o666);
  try {
    fs.writeFileSync(descriptor, text);
    // The umask applies to what is created, not to what an existing file already had.
    if (mode !== undefined) fs.fchmodSync(descriptor, mode & 0o7777);
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}

function flushDirectories(root: string, journal: Journal): void {
  for (const directory of new Set(journal.steps.map((step) => path.dirname(step.path)))) {
    flushDirectory(path.join(root, directory));
  }
}

/** Makes renames durable. Windows cannot open directories, and needs no such call. */
function flushDirectory(directory: string): void {
  if (process.platform === 'win32' || !fs.existsSync(directory)) return;
  const descriptor = fs.openSync(directory, 'r');
  try {
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}

/**
 * Puts every file back to its first side and removes the journal. A file that is neither side was edited by somebody
 * else since; it is left alone, and so is the journal.
 */
function rollBack(root: string, journal: Journal): readonly Diagnostic[] {
  const left: Diagnostic[] = [];
  for (const step of [...journal.steps].reverse()) {
    try {
      fs.rmSync(path.join(root, step.temporary), { force: true });
      if (!putBack(root, step))
        left.push({ code: 'recovery-blocked', args: { file: step.path, journal: JOURNAL } });
    } catch (error) {
      left.push({
        code: 'roll-back-failed',
        args: { file: step.path, journal: JOURNAL, reason: String(error) },
      });
    }
  }
  if (left.length > 0) return left;
  for (const directory of [...journal.directories].reverse()) removeIfEmpty(path.join(root, directory));
  flushDirectories(root, journal);
  fs.rmSync(path.join(root, `${JOURNAL}.new`), { force: true });
  fs.rmSync(path.join(root, JOURNAL), { force: true });
  return [];
}

function putBack(root: string, step: Step): boolean {
  const target = path.join(root, step.path);
  const now = fs.existsSync(target) ? fs.readFileSync(target, 'utf8') : null;
  if (now === step.before) return true;
  if (now !== step.after) return false;
  if (step.before === null) {
    fs.unlinkSync(target);
    return true;
  }
  writeFlushed(path.join(root, step.temporary), step.before, step.mode);
  fs.renameSync(path.join(root, step.temporary), target);
  return true;
}

function removeIfEmpty(directory: string): void {
  if (fs.existsSync(directory) && fs.readdirSync(directory).length === 0) fs.rmdirSync(directory);
}
