import { topLevelStatement, ts } from '../inspect/source.js';
import { type EntryModule, runsOnImport } from './entry-module.js';
import { isSideEffectImport } from './imports.js';
import type { KeptCall, Placement } from './place-statements.js';
import { hasDefault, isExported, isTypeDeclaration } from './statement-syntax.js';

/** A function of the project that builds the whole server. */
export interface ExistingFactory {
  readonly module: string;
  readonly exportName: string;
  /** It can be imported as it is; otherwise it moves with the server into a module of its own. */
  readonly isReady: boolean;
  readonly call: KeptCall;
}

/** The project's own factory, when it builds the whole server and needs nothing to be prepared for it. */
export function existingFactory(entry: EntryModule, placement: Placement): ExistingFactory | undefined {
  const { taken } = entry.analysis.lifetimes;
  if (placement.setUp.length > 0 || entry.registrations.length > 0 || taken.length > 0) return undefined;
  const { factory } = entry.analysis.site;
  const callee = factory ? servedFunction(factory, placement) : calledFunction(entry, placement);
  const symbol = callee && entry.sources.symbolOf(callee);
  const declaration = symbol?.valueDeclaration;
  if (!callee || !declaration || declaration !== namedAt(declaration)) return undefined;
  const home = topLevelStatement(declaration);
  const elsewhere = declaration.getSourceFile() !== entry.file;
  if (hasDefault(home)) return undefined;
  const isReady = isExported(home) && !(elsewhere ? hasCore(placement) : runsOnImport(entry));
  if (!isReady && (elsewhere || !placement.shared.includes(home) || !runsOnImport(entry))) return undefined;
  const statements = [...placement.server, ...placement.frameServer];
  const call = { callee, statements };
  return { module: entry.sources.pathOf(declaration), exportName: symbol.name, isReady, call };
}

/** The declaration itself when it stands at module level. */
function namedAt(declaration: ts.Declaration): ts.Declaration | undefined {
  if (ts.isFunctionDeclaration(declaration) && ts.isSourceFile(declaration.parent)) return declaration;
  const isLasting =
    ts.isVariableDeclaration(declaration) && ts.isSourceFile(declaration.parent.parent.parent);
  return isLasting ? declaration : undefined;
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
function servedFunction(factory: ts.Expression, placement: Placement): ts.Identifier | undefined {
  if (placement.server.length > 0 || placement.frameServer.length > 0) return undefined;
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
