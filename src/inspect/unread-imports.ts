import type { Diagnostic } from '../model.js';
import { descendants, type Sources, ts } from './source.js';

/** What names a module of the project itself, for no package can have such a name: `#lists/shopping`, `@/lists/shopping`. */
const OWN = /^(?:#|@\/|~\/)/;

/** Files that are no code. */
const DATA = /\.(?!(?:[cm]?[jt]s|[jt]sx)$)[a-z]\w*$/;

/** An import of a module of the project whose source is not known: nor is what it keeps for a client. */
export function findUnreadImport(sources: Sources): Diagnostic | undefined {
  const unread = [...sources.files]
    .flatMap(([path, file]) => importsIn(file).map((specifier) => ({ path, specifier })))
    .find(
      ({ path, specifier: { text } }) =>
        OWN.test(text) && !DATA.test(text) && !sources.resolver.isKnown(path, text),
    )?.specifier;
  return (
    unread && {
      code: 'import-not-found',
      at: sources.locationOf(unread),
      args: { specifier: unread.text },
    }
  );
}

/** What a file loads when it runs; types are erased. */
function importsIn(file: ts.SourceFile): ts.StringLiteralLike[] {
  const statements = file.statements.flatMap((statement) =>
    (ts.isImportDeclaration(statement) && !isOfTypes(statement)) ||
    (ts.isExportDeclaration(statement) && !statement.isTypeOnly)
      ? (statement.moduleSpecifier ?? [])
      : [],
  );
  const calls = descendants(file, ts.isCallExpression)
    .filter(
      ({ expression }) =>
        expression.kind === ts.SyntaxKind.ImportKeyword || expression.getText() === 'require',
    )
    .flatMap((call) => call.arguments[0] ?? []);
  return [...statements, ...calls].filter(ts.isStringLiteralLike);
}

function isOfTypes({ importClause }: ts.ImportDeclaration): boolean {
  if (!importClause) return false;
  const { namedBindings, name } = importClause;
  return (
    importClause.isTypeOnly ||
    (name === undefined &&
      namedBindings !== undefined &&
      ts.isNamedImports(namedBindings) &&
      namedBindings.elements.length > 0 &&
      namedBindings.elements.every(({ isTypeOnly }) => isTypeOnly))
  );
}
