import { ts } from '../inspect/source.js';
import type { TextEdit } from '../model.js';

/** At one offset: what stands in front first, then a removal (which takes insertions with it), insertions, replacements. */
type Rank = 'stands' | 'removal' | 'insertion' | 'replacement';
const RANKS: readonly Rank[] = ['stands', 'removal', 'insertion', 'replacement'];

interface Edit extends TextEdit {
  readonly rank: Rank;
}

/** Collects replacements in one source file and gives the edited text of the whole or of a part. */
export class FileEdits {
  private readonly edits: Edit[] = [];

  constructor(readonly file: ts.SourceFile) {}

  get isEmpty(): boolean {
    return this.edits.length === 0;
  }

  replace(start: number, end: number, text: string): void {
    if (!this.edits.some((edit) => edit.start === start && edit.end === end && edit.text === text))
      this.edits.push({ start, end, text, rank: text === '' ? 'removal' : 'replacement' });
  }

  /** Replaces a node by a text that was made of it, with what was inserted at its end. */
  replaceWhole(start: number, end: number, text: string): void {
    this.dropInsertionsAt(end);
    this.replace(start, end, text);
  }

  /** Adds text to what stands at the offset; it goes when that is removed. */
  insert(at: number, text: string): void {
    this.edits.push({ start: at, end: at, text, rank: 'insertion' });
  }

  /** Adds text in front of the offset, whatever becomes of what stands there. */
  insertBefore(at: number, text: string): void {
    this.edits.push({ start: at, end: at, text, rank: 'stands' });
  }

  /** Takes back what was inserted at the end of a node that is replaced as a whole. */
  dropInsertionsAt(offset: number): void {
    for (let index = this.edits.length - 1; index >= 0; index--) {
      const edit = this.edits[index]!;
      if (edit.rank === 'insertion' && edit.start === offset) this.edits.splice(index, 1);
    }
  }

  copy(): FileEdits {
    const copy = new FileEdits(this.file);
    copy.edits.push(...this.edits);
    return copy;
  }

  /** The text between two offsets with every edit inside it applied; later edits inside a replaced range are dropped. */
  slice(start: number, end: number): string {
    const inside = this.edits
      .map((edit, order) => ({ ...edit, order }))
      .filter((edit) => edit.start >= start && edit.end <= end)
      .sort(
        (a, b) =>
          a.start - b.start ||
          RANKS.indexOf(a.rank) - RANKS.indexOf(b.rank) ||
          b.end - a.end ||
          a.order - b.order,
      );
    let text = '';
    let at = start;
    let covers: Edit | undefined;
    for (const edit of inside) {
      if (edit.start < at) {
        if (edit.rank === 'stands' && covers?.rank === 'removal') text += edit.text;
        continue;
      }
      covers = edit;
      text += this.file.text.slice(at, edit.start) + edit.text;
      at = edit.end;
    }
    return text + this.file.text.slice(at, end);
  }

  whole(): string {
    return this.slice(0, this.file.text.length);
  }
}

/** The extent of a statement with the comments that belong to it and the rest of its last line. */
export function extentOf(statement: ts.Node): { readonly start: number; readonly end: number } {
  const file = statement.getSourceFile();
  const text = file.text;
  const isFirst = file.statements[0] === statement;
  const comments = ts.getLeadingCommentRanges(text, statement.getFullStart()) ?? [];
  let start = statement.getStart(file);
  for (const comment of [...comments].reverse()) {
    const between = text.slice(comment.end, start);
    if (isFirst && /\n\s*\n/.test(between)) break;
    if (isFirst && /^#!/.test(text.slice(comment.pos, comment.pos + 2))) break;
    if (
      comment.pos > 0 &&
      !/^[ \t]*$/.test(text.slice(text.lastIndexOf('\n', comment.pos - 1) + 1, comment.pos))
    )
      break;
    start = comment.pos;
  }
  const lineStart = text.lastIndexOf('\n', start - 1) + 1;
  if (/^[ \t]*$/.test(text.slice(lineStart, start))) start = lineStart;
  const rest = /^[ \t]*(?:\/\/[^\n]*|\/\*[^\n]*?\*\/[ \t]*)?(?=\r?\n|$)/.exec(text.slice(statement.end));
  return { start, end: statement.end + (rest?.[0].length ?? 0) };
}

/** Does a blank line stand in front of the statement, seen from an earlier one? */
export const isApart = (previous: ts.Node, statement: ts.Node): boolean =>
  /\n[ \t]*\r?\n/.test(
    statement.getSourceFile().text.slice(extentOf(previous).end, extentOf(statement).start + 1),
  );

/** One step of indentation in the file: two spaces unless its first indented line says otherwise. */
export function indentUnit(text: string): string {
  return /\n(\t| {2,})\S/.exec(text)?.[1]?.replace(/^ {5,}$/, '  ') ?? '  ';
}

/** Adds (or, when negative, takes away) steps of indentation, leaving the inside of template literals alone. */
export function reindent(edits: FileEdits, start: number, end: number, steps: number, unit: string): string {
  if (steps === 0) return edits.slice(start, end);
  const templates = templateRanges(edits.file, start, end);
  const shifted = edits.copy();
  const text = edits.file.text;
  for (let line = start; line >= 0 && line < end; line = text.indexOf('\n', line) + 1 || end) {
    if (templates.some((range) => line > range.start && line < range.end)) continue;
    if (/^\r?\n/.test(text.slice(line, line + 2)) || line === text.length) continue;
    if (steps > 0) shifted.insertBefore(line, unit.repeat(steps));
    else {
      const removable =
        new RegExp(`^(?:${unit}){0,${-steps}}`).exec(text.slice(line, line + 40))?.[0].length ?? 0;
      if (removable > 0) shifted.replace(line, line + removable, '');
    }
  }
  return shifted.slice(start, end);
}

function templateRanges(file: ts.SourceFile, start: number, end: number): { start: number; end: number }[] {
  const ranges: { start: number; end: number }[] = [];
  const walk = (node: ts.Node): void => {
    if (node.end <= start || node.pos >= end) return;
    if (
      ts.isNoSubstitutionTemplateLiteral(node) ||
      ts.isTemplateHead(node) ||
      ts.isTemplateMiddle(node) ||
      ts.isTemplateTail(node)
    ) {
      ranges.push({ start: node.getStart(file), end: node.end });
    }
    ts.forEachChild(node, walk);
  };
  walk(file);
  return ranges;
}

/** At most one blank line in a row outside template literals, none at the start, one newline at the end. */
export function tidyBlankLines(path: string, text: string): string {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true);
  const templates = templateRanges(file, 0, text.length);
  const collapsed = text.replace(/(\r?\n)(?:[ \t]*\r?\n){2,}/g, (run, newline: string, at: number) =>
    templates.some((range) => at >= range.start && at < range.end) ? run : newline + newline,
  );
  return `${collapsed.replace(/^\s*\n/, '').trimEnd()}\n`;
}
