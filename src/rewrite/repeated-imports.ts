import { awaits, ts, unwrap } from '../inspect/source.js';

/** `const { load } = await import('./load.js')`: done twice, it gives the same twice. */
export function isLoading(statement: ts.Statement): boolean {
  const declared = ts.isVariableStatement(statement) ? statement.declarationList.declarations : [];
  return (
    declared.length > 0 &&
    declared.every(({ initializer }) => {
      const loaded = initializer && unwrap(initializer);
      return (
        loaded !== undefined &&
        awaits(initializer!) &&
        ts.isCallExpression(loaded) &&
        loaded.expression.kind === ts.SyntaxKind.ImportKeyword
      );
    })
  );
}

/** The patterns of such statements, with the text that takes only what is used out of the module. */
export const narrowedPatterns = (
  statements: readonly ts.Statement[],
  used: ReadonlySet<string>,
): { readonly pattern: ts.ObjectBindingPattern; readonly text: string }[] =>
  statements
    .flatMap((statement) =>
      ts.isVariableStatement(statement) ? [...statement.declarationList.declarations] : [],
    )
    .flatMap(({ name }) => (ts.isObjectBindingPattern(name) ? [name] : []))
    .flatMap((pattern) => {
      const kept = pattern.elements.filter(({ name }) => used.has(name.getText()));
      return kept.length === pattern.elements.length
        ? []
        : [{ pattern, text: `{ ${kept.map((element) => element.getText()).join(', ')} }` }];
    });
