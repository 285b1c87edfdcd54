import { topLevelStatement, ts } from '../inspect/source.js';
import { type EntryModule, runsOnImport } from './entry-module.js';
import { isSideEffectImport } from './imports.js';
import type { Placement } from './place-statements.js';
import { hasDefault, isExported, isTypeDeclaration } from './statement-syntax.js';

/** A function of the project that builds the whole server. */
export interface ExistingFactory {
  readonly module: string;
  readonly exportName: string;
}

/** The project's own factory, when it can be used as it is; undefined when one has to be written. */
export function existingFactory(entry: EntryModule, placement: Placement): ExistingFactory | undefined {
  if (placement.setUp.length > 0 || entry.registrations.length > 0) return undefined;
  const { factory } = entry.analysis.site;
  const callee = factory ? servedFunction(factory) : calledFunction(entry, placement);
  const symbol = callee && entry.sources.symbolOf(callee);
  const declaration = symbol?.valueDeclaration;
  if (!declaration) return undefined;
  const home = topLevelStatement(declaration);
  const elsewhere = declaration.getSourceFile() !== entry.file;
  if (!isExported(home) || hasDefault(home) || (elsewhere ? hasCore(placement) : runsOnImport(entry)))
    return undefined;
  return { module: entry.sources.pathOf(declaration), exportName: symbol.name };
}

/** `const server = createServer()` and nothing else: what is called. */
function calledFunction({ analysis }: EntryModule, placement: Placement): ts.Expression | undefined {
  const { server, runners } = analysis.site;
  if (placement.afterConnect.length > 0 || runners.length > 0) return undefined;
  const body = [...placement.server, ...placement.frameServer];
  const [only] = body;
  const made =
    body.length === 1 &&
    only &&
    ts.isVariableStatement(only) &&
    only.declarationList.declarations.length === 1
      ? only.declarationList.declarations[0]
      : undefined;
  const direct =
    body.length === 0
      ? server
      : made && server && made.name.getText() === server.getText()
        ? made.initializer
        : undefined;
  const call = direct && ts.isAwaitExpression(direct) ? direct.expression : direct;
  return call && ts.isCallExpression(call) && call.arguments.length === 0 ? call.expression : undefined;
}

/** `serveStdio(createServer)`, `serveStdio(() => createServer())`: the function's name. */
function servedFunction(factory: ts.Expression): ts.Identifier | undefined {
  const called =
    ts.isArrowFunction(factory) &&
    factory.parameters.length === 0 &&
    !ts.isBlock(factory.body) &&
    ts.isCallExpression(factory.body) &&
    factory.body.arguments.length === 0
      ? factory.body.expression
      : factory;
  return ts.isIdentifier(called) ? called : undefined;
}

/** Would a module with the factory hold anything but imports and types? */
const hasCore = ({ shared, imports }: Placement): boolean =>
  shared.some((statement) => !isTypeDeclaration(statement)) || imports.some(isSideEffectImport);
