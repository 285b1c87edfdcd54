import type { Diagnostic, Severity } from './model.js';

/** What is said for a code; `{name}` is replaced by the argument of that name. */
interface Wording {
  readonly severity: Severity;
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
}

/** Every diagnostic the tool can give. Each error has a fixture in `fixtures/refuse` that triggers it. */
const wordings: Readonly<Record<string, Wording>> = {
  'package-json-missing': {
    severity: 'error',
    message: 'There is no package.json in {dir}.',
    hint: 'Run the command in the directory of your server, or name it: create-mcp-prod <dir>.',
  },
};

export interface Worded extends Wording {
  readonly code: string;
}

/** Severity, sentence and hint of a diagnostic, with its arguments filled in. */
export function word(diagnostic: Diagnostic): Worded {
  const wording = wordings[diagnostic.code];
  if (!wording) throw new Error(`diagnostic without wording: ${diagnostic.code}`);
  const fill = (text: string) => text.replace(/\{(\w+)\}/g, (_, name: string) => diagnostic.args[name] ?? '');
  return { code: diagnostic.code, severity: wording.severity, message: fill(wording.message), hint: fill(wording.hint) };
}

/** Does this diagnostic stop the conversion? */
export const isError = (diagnostic: Diagnostic): boolean => word(diagnostic).severity === 'error';
