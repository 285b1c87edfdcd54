import { ts } from '../inspect/source.js';
import type { TextEdit } from '../model.js';

/** Collects replacements in one source file and gives the edited text of the whole or of a part. */
export class FileEdits {
  private readonly edits: TextEdit[] = [];

  constructor(readonly file: ts.SourceFile) {}

  get isEmpty(): boolean {
    return this.edits.length === 0;
  }

  replace(start: number, end: number, text: string): void {
    if (!this.edits.some((edit) => edit.start === start && edit.end === end && edit.text === text)) this.edits.push({ start, end, text });
  }

  insert(at: number, text: string): void {
    this.edits.push({ start: at, end: at, text });
  }

  /** The text between two offsets with every edit inside it applied; later edits inside a replaced range are dropped. */
  slice(start: number, end: number): string {
    const inside = this.edits
      .map((edit, order) => ({ ...edit, order }))
      .filter((edit) => edit.start >= start && edit.end <= end)
      .sort((a, b) => a.start - b.start || b.end - a.end || a.order - b.order);
    let text = '';
    let at = start;
    for (const edit of inside) {
      if (edit.start < at) continue;
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
  const comments = ts.getLeadingCommentRanges(text, statement.getFullStart()) ?? [];
  let start = statement.getStart(file);
  for (const comment of [...comments].reverse()) {
    const between = text.slice(comment.end, start);
    if (/\n\s*\n/.test(between)) break;
    if (comment.pos > 0 && !/^[ \t]*$/.test(text.slice(text.lastIndexOf('\n', comment.pos - 1) + 1, comment.pos))) break;
    start = comment.pos;
  }
  const lineStart = text.lastIndexOf('\n', start - 1) + 1;
  if (/^[ \t]*$/.test(text.slice(lineStart, start))) start = lineStart;
  const rest = /^[ \t]*(?:\/\/[^\n]*|\/\*[^\n]*?\*\/[ \t]*)?(?=\r?\n|$)/.exec(text.slice(statement.end));
  return { start, end: statement.end + (rest?.[0].length ?? 0) };
}

/** One step of indentation in the file: two spaces unless its first indented line says otherwise. */
export function indentUnit(text: string): string {
  return /\n(\t|  +)\S/.exec(text)?.[1]?.replace(/^ {5,}$/, '  ') ?? '  ';
}

/** Adds (or, when negative, takes away) steps of indentation, leaving the inside of template literals alone. */
export function reindent(edits: FileEdits, start: number, end: number, steps: number, unit: string): string {
  if (steps === 0) return edits.slice(start, end);
  const templates = templateRanges(edits.file, start, end);
  const shifted = new FileEdits(edits.file);
  for (const edit of edits['edits']) shifted.replace(edit.start, edit.end, edit.text);
  const text = edits.file.text;
  for (let line = start; line >= 0 && line < end; line = text.indexOf('\n', line) + 1 || end) {
    if (templates.some((range) => line > range.start && line < range.end)) continue;
    if (/^\r?\n/.test(text.slice(line, line + 2)) || line === text.length) continue;
    if (steps > 0) shifted.insert(line, unit.repeat(steps));
    else {
      const removable = new RegExp(`^(?:${unit}){0,${-steps}}`).exec(text.slice(line, line + 40))?.[0].length ?? 0;
      if (removable > 0) shifted.replace(line, line + removable, '');
    }
  }
  return shifted.slice(start, end);
}

function templateRanges(file: ts.SourceFile, start: number, end: number): { start: number; end: number }[] {
  const ranges: { start: number; end: number }[] = [];
  const walk = (node: ts.Node): void => {
    if (node.end <= start || node.pos >= end) return;
    if (ts.isNoSubstitutionTemplateLiteral(node) || ts.isTemplateHead(node) || ts.isTemplateMiddle(node) || ts.isTemplateTail(node)) {
      ranges.push({ start: node.getStart(file), end: node.end });
    }
    ts.forEachChild(node, walk);
  };
  walk(file);
  return ranges;
}
