import { descendants, ts } from '../inspect/source.js';

/** What the generated module of session-scoped state gives to rewritten sources. */
const HELPERS = ['credential', 'environment', 'sessionScoped'] as const;
type Helper = (typeof HELPERS)[number];

/** The name under which a file knows a helper: its own, unless the file has something else of that name. */
export function helperIn(file: ts.SourceFile, helper: Helper): string {
  const taken = descendants(file, ts.isIdentifier).some(
    (name) => name.text === helper && !isMemberName(name),
  );
  return taken ? `client${helper.charAt(0).toUpperCase()}${helper.slice(1)}` : helper;
}

function isMemberName(name: ts.Identifier): boolean {
  const { parent } = name;
  return (
    (ts.isPropertyAccessExpression(parent) && parent.name === name) ||
    (ts.isPropertyAssignment(parent) && parent.name === name) ||
    (ts.isPropertySignature(parent) && parent.name === name)
  );
}

/**
 * The names between the braces of an import, of the helpers that `text` calls.
 * @param file whose own names decide what the helpers are called
 */
export function helpersUsedIn(file: ts.SourceFile, text: string, commonJs: boolean): string[] {
  return HELPERS.filter((helper) => new RegExp(`\\b${helperIn(file, helper)}\\(`).test(text)).map(
    (helper) => {
      const local = helperIn(file, helper);
      return local === helper ? helper : `${helper}${commonJs ? ':' : ' as'} ${local}`;
    },
  );
}
