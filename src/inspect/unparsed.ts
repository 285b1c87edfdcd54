import type { Diagnostic } from '../model.js';
import { type Sources, ts } from './source.js';

/** Octal numbers and escapes, which scripts that are not strict may have: `'\033[1m'`. */
const SLOPPY: ReadonlySet<number> = new Set([1121, 1487, 1488, 1489]);

/** Types in JavaScript: what builds the project may take them away. */
const isOfTypeScript = ({ code }: ts.Diagnostic): boolean => code >= 8000 && code < 9000;

/** The first place that is no JavaScript or TypeScript: node loads no such file, and what it means is a guess. */
export function findUnparsed(sources: Sources): Diagnostic | undefined {
  for (const [file, source] of sources.files) {
    const [error] = sources
      .syntaxErrors(source)
      .filter((one) => !SLOPPY.has(one.code) && !isOfTypeScript(one));
    if (!error) continue;
    const { line, character } = source.getLineAndCharacterOfPosition(error.start);
    return {
      code: 'source-not-parsed',
      at: { file, line: line + 1, column: character + 1 },
      args: { reason: ts.flattenDiagnosticMessageText(error.messageText, ' ').replace(/\.$/, '') },
    };
  }
  return undefined;
}
