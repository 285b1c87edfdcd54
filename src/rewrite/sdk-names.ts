import { ts } from '../inspect/source.js';
import { isImport } from './imports.js';
import { importLine, moduleStyle } from './module-style.js';
import { firstFree, namesIn } from './names.js';

/** What rewritten modules name of the SDK, with the module that exports it. */
const MODULES = {
  Transport: { v1: '@modelcontextprotocol/sdk/shared/transport.js', v2: '@modelcontextprotocol/server' },
  McpRequestContext: { v1: '@modelcontextprotocol/server', v2: '@modelcontextprotocol/server' },
  StdioServerTransport: {
    v1: '@modelcontextprotocol/sdk/server/stdio.js',
    v2: '@modelcontextprotocol/server/stdio',
  },
} as const;

const SDK = /^@modelcontextprotocol\//;

/** What something of the SDK is called in a module. */
export interface SdkName {
  readonly local: string;
  /** The import that the module lacks for that. */
  readonly line?: string;
}

/** The name under which a module knows something of the SDK, or can. */
export function sdkName(name: keyof typeof MODULES, file: ts.SourceFile, sdk: 'v1' | 'v2'): SdkName {
  const known = importedAs(name, file);
  if (known !== undefined) return { local: known };
  const style = moduleStyle(file);
  const taken = namesIn(file);
  const local = firstFree([name, `Mcp${name}`], (one) => taken.has(one));
  const imported = local === name ? name : `${name}${style.isCommonJs ? ':' : ' as'} ${local}`;
  const line = importLine(style, [imported], MODULES[name][sdk]);
  return { local, line: name === 'StdioServerTransport' ? line : line.replace(/^import /, 'import type ') };
}

/** The imports that are lacking. */
export const linesOf = (names: readonly (SdkName | undefined)[]): string[] =>
  names.flatMap((name) => name?.line ?? []);

/** The local name of an import of this name from the SDK. */
export function importedAs(name: string, file: ts.SourceFile): string | undefined {
  for (const statement of file.statements) {
    if (!isImport(statement)) continue;
    const found = elementsOf(statement).find(
      (element) => (element.propertyName ?? element.name).getText() === name,
    );
    if (found) return found.name.getText();
  }
  return undefined;
}

function elementsOf(statement: ts.Statement): readonly (ts.ImportSpecifier | ts.BindingElement)[] {
  if (ts.isImportDeclaration(statement)) {
    const bindings = statement.importClause?.namedBindings;
    const isSdk = SDK.test((statement.moduleSpecifier as ts.StringLiteral).text);
    return isSdk && bindings && ts.isNamedImports(bindings) ? bindings.elements : [];
  }
  if (!ts.isVariableStatement(statement)) return [];
  return statement.declarationList.declarations.flatMap(({ name, initializer }) => {
    const isSdk =
      initializer &&
      ts.isCallExpression(initializer) &&
      initializer.arguments[0] &&
      ts.isStringLiteral(initializer.arguments[0]) &&
      SDK.test(initializer.arguments[0].text);
    return isSdk && ts.isObjectBindingPattern(name) ? [...name.elements] : [];
  });
}
