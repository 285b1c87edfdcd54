/** Everything that is said, as text: pure functions from results to lines. */

import { styleText } from 'node:util';
import { word } from './diagnostics.js';
import type { Change, Check, Diagnostic, Inspection, Location, Options, Seam } from './model.js';
import { countLines } from './plan/line-changes.js';

/** What a command found and did; `--json` prints it. */
export interface Result {
  inspection?: Inspection;
  options?: Options;
  changes: readonly Change[];
  diagnostics: readonly Diagnostic[];
  checks: readonly Check[];
}

type Style = Parameters<typeof styleText>[0];

/** How text looks on the terminal it goes to. */
export interface Look {
  readonly width: number;
  readonly paint: (style: Style, text: string) => string;
}

export function lookOf(
  stream: { readonly isTTY?: boolean; readonly columns?: number },
  wanted: boolean,
): Look {
  const env = process.env;
  const forced = env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '0';
  const color = wanted && !env.NO_COLOR && (forced || (stream.isTTY === true && env.TERM !== 'dumb'));
  return {
    width: Math.min(stream.columns ?? 80, 100),
    paint: (style, text) => (color ? styleText(style, text) : text),
  };
}

/** The object of `--json`. */
export function toJson(result: Result): object {
  return {
    inspection: result.inspection ?? null,
    options: result.options ?? null,
    changes: result.changes.map((change) => ({ path: change.path, kind: kindOf(change), why: change.why })),
    diagnostics: result.diagnostics.map((diagnostic) => {
      const { code, severity, message, hint } = word(diagnostic);
      return { code, severity, message, hint, at: diagnostic.at ?? null };
    }),
    checks: result.checks,
  };
}

const kindOf = (change: Change): 'create' | 'update' | 'delete' =>
  change.before === null ? 'create' : change.after === null ? 'delete' : 'update';

const place = (at: Location): string => `${at.file}:${at.line}:${at.column}`;

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** What was found, one subject a line. */
export function describeInspection(inspection: Inspection, look: Look): string {
  const { build, entry, sdk, server } = inspection;
  const rows: [string, string][] = [
    ['entry', entry ? `${entry.file} (${entry.because})${ranAs(inspection)}` : 'not found'],
    [
      'project',
      `${inspection.language === 'ts' ? 'TypeScript' : 'JavaScript'}, ${formatName(inspection)}, ${inspection.packageManager}`,
    ],
    [
      'build',
      build.kind === 'none'
        ? `none, run by ${build.runner}`
        : `${build.tool}${build.script ? ` (npm script "${build.script}")` : ''}`,
    ],
    ['SDK', sdk ? `${sdk.line}, ${sdk.range}, ${sdk.api}` : 'not found'],
  ];
  if (server) {
    rows.push(['server', `${server.shape}, built at ${place(server.construction)}`]);
    rows.push(['', `connected at ${place(server.connect)}`]);
  }
  rows.push(['surface', surfaceLine(inspection)]);
  for (const [index, one] of inspection.state.entries()) {
    rows.push([
      index === 0 ? 'state' : '',
      `${place(one.at)} ${one.name}: ${one.kind}, ${one.decision}. ${one.reason}`,
    ]);
  }
  if (inspection.state.length === 0) rows.push(['state', 'none that clients would share']);
  for (const [index, one] of inspection.env.entries()) {
    const traits = [one.required ? 'required' : '', one.secret ? 'secret' : ''].filter(Boolean).join(', ');
    rows.push([index === 0 ? 'environment' : '', `${one.name}${traits ? ` (${traits})` : ''}`]);
  }
  const features = unique(inspection.sessionFeatures.map((one) => one.feature));
  if (features.length > 0) rows.push(['sessions', `uses ${features.join(', ')}`]);
  const glue = unique(inspection.processGlue.map((one) => one.kind));
  if (glue.length > 0) rows.push(['process', `handles ${glue.join(', ')}`]);
  return table(rows, look);
}

const unique = (list: readonly string[]): readonly string[] => [...new Set(list)];

const formatName = (inspection: Inspection): string =>
  inspection.moduleFormat === 'esm' ? 'ES modules' : 'CommonJS';

const ranAs = ({ entry }: Inspection): string =>
  entry && entry.output !== entry.file ? `, runs as ${entry.output}` : '';

function surfaceLine({ surface }: Inspection): string {
  const count = (kind: string) => surface.filter((item) => item.kind === kind).length;
  const parts = ['tool', 'resource', 'prompt'].map((kind) =>
    count(kind) > 0 ? plural(count(kind), kind) : '',
  );
  return parts.filter(Boolean).join(', ') || 'nothing seen in the source; it may be registered at run time';
}

function table(rows: readonly (readonly [string, string])[], look: Look): string {
  const left = Math.max(...rows.map(([name]) => name.length)) + 2;
  return rows
    .flatMap(([name, text]) =>
      wrap(text, look.width - left - 4).map(
        (line, index) => look.paint('dim', (index ? '' : name).padEnd(left)) + line,
      ),
    )
    .join('\n');
}

/** Breaks each line between words; a word longer than the width keeps a line of its own. */
const wrap = (text: string, width: number): readonly string[] =>
  text.split('\n').flatMap((line) => wrapLine(line, width));

function wrapLine(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const part of text.split(' ')) {
    if (line && line.length + part.length + 1 > width) {
      lines.push(line);
      line = part;
    } else line = line ? `${line} ${part}` : part;
  }
  return [...lines, line];
}

/** The files of a plan: `+` created, `~` changed, `-` deleted, with their line counts. */
export function describeChanges(changes: readonly Change[], look: Look): string {
  if (changes.length === 0) return 'Nothing to change.';
  const rows = changes.map((change) => {
    const { added, removed } = countLines(change);
    return {
      change,
      counts: [added ? `+${added}` : '', removed ? `-${removed}` : ''].filter(Boolean).join(' '),
    };
  });
  const left = Math.max(...changes.map((change) => change.path.length));
  const middle = Math.max(...rows.map(({ counts }) => counts.length));
  // A terminal with questions puts a line of its own before each of ours.
  const room = look.width - left - middle - 9;
  return rows
    .map(({ change, counts }) => {
      const [mark, style] = changeMarks[kindOf(change)];
      const why = change.why.length <= room ? change.why : `${change.why.slice(0, Math.max(room - 1, 0))}…`;
      const line = `${look.paint(style, mark)} ${change.path.padEnd(left)}  ${counts.padEnd(middle)}`;
      return `${line}  ${room > 12 ? look.paint('dim', why) : ''}`.trimEnd();
    })
    .join('\n');
}

/** One line: whether clients get sessions, and why. */
export const describeSessions = (seam: Seam, look: Look): string =>
  wrap(
    `${seam.sessions === 'stateful' ? `A server${seam.workers ? ' and a worker' : ''} for each session` : 'No sessions'}: ${seam.because}.`,
    look.width - 4,
  ).join('\n');

const changeMarks = { create: ['+', 'green'], update: ['~', 'yellow'], delete: ['-', 'red'] } as const;

const marks = { error: ['✖', 'red'], warning: ['▲', 'yellow'], info: ['●', 'blue'] } as const;

/** How many findings of one kind a terminal shows; `--json` has all of them. */
const MOST_OF_A_KIND = 8;

/** Findings, each as it is shown; a long row of one kind ends in a line that counts the rest. */
export function describeDiagnostics(diagnostics: readonly Diagnostic[], look: Look): string[] {
  const kinds = new Map<string, Diagnostic[]>();
  for (const one of diagnostics) kinds.set(one.code, [...(kinds.get(one.code) ?? []), one]);
  return diagnostics.flatMap((diagnostic) => {
    const kind = kinds.get(diagnostic.code) ?? [];
    const at = kind.indexOf(diagnostic);
    if (at < MOST_OF_A_KIND) return [describeDiagnostic(diagnostic, look)];
    const rest = kind.length - MOST_OF_A_KIND;
    return at > MOST_OF_A_KIND
      ? []
      : [look.paint('dim', `  … and ${rest} more ${diagnostic.code}, listed by --json`)];
  });
}

/** One finding: where, what, and what to do next. */
function describeDiagnostic(diagnostic: Diagnostic, look: Look): string {
  const { code, severity, message, hint } = word(diagnostic);
  const [mark, style] = marks[severity];
  const where = diagnostic.at ? `  ${place(diagnostic.at)}` : '';
  const body = [...wrap(message, look.width - 4), ...(hint ? wrap(`→ ${hint}`, look.width - 4) : [])];
  return [`${look.paint(style, `${mark} ${code}`)}${where}`, ...body.map((line) => `  ${line}`)].join('\n');
}

const checkMarks = { pass: ['✔', 'green'], fail: ['✖', 'red'], skip: ['–', 'dim'] } as const;

/** How many differences of a failing check a terminal shows; the reports have all of them. */
const MOST_DIFFERENCES = 8;

/** The checks of a verification, one line each, and what a failing one saw. */
export function describeChecks(checks: readonly Check[], look: Look): string {
  const left = Math.max(...checks.map((check) => check.id.length)) + 2;
  return checks
    .flatMap((check) => {
      const [mark, style] = checkMarks[check.status];
      const more = (check.differences ?? []).slice(1, MOST_DIFFERENCES);
      const lines = [...check.detail.split('\n'), ...more].flatMap((line) =>
        wrap(line, look.width - left - 6),
      );
      return lines.map((line, index) =>
        index === 0
          ? `${look.paint(style, mark)} ${check.id.padEnd(left)}${line}`
          : `  ${''.padEnd(left)}${line}`,
      );
    })
    .join('\n');
}
