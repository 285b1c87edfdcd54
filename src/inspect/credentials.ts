import { findEnv } from './findings.js';
import { descendants, enclosingFunction, isAssigned, type Sources, ts, unwrap } from './source.js';

/** Which variables of the environment callers send themselves. */
export interface CredentialChoices {
  readonly credentials: 'env' | 'header';
  /** `NAME` or `NAME=header`; empty: every variable that looks like a credential. */
  readonly credentialHeader: readonly string[];
}

/** A place that reads a credential, or the environment as a whole with the credentials in it. */
export interface CredentialRead {
  /** The expression that gives the value: `process.env.TOKEN`, `process.env['TOKEN']`, `process.env`. */
  readonly node: ts.Expression;
  /** The variable; undefined for the whole environment. */
  readonly name: string | undefined;
}

/** The variable names that callers send, by what was chosen. */
export function variableNames(
  sources: Sources,
  { credentials, credentialHeader }: CredentialChoices,
): string[] {
  if (credentials === 'env') return [];
  if (credentialHeader.length > 0) return credentialHeader.map((entry) => entry.split('=', 1)[0]!);
  return findEnv(sources)
    .filter((read) => read.secret)
    .map((read) => read.name);
}

/** Where the sources read what each caller sends for itself. */
export class CredentialReads {
  readonly names: ReadonlySet<string>;
  readonly reads: readonly CredentialRead[];
  /** Assignments to one of the variables. */
  readonly writes: readonly ts.Expression[];
  /** `const { TOKEN } = process.env` at module level: the element that takes a credential out, by its variable. */
  readonly destructured: ReadonlyMap<ts.Symbol, ts.BindingElement>;
  /** Identifiers whose evaluation gives a credential: `process` of a read, uses of what was destructured. */
  readonly roots: ReadonlySet<ts.Node>;

  constructor(
    private readonly sources: Sources,
    choices: CredentialChoices,
  ) {
    this.names = new Set(variableNames(sources, choices));
    const reads: CredentialRead[] = [];
    const writes: ts.Expression[] = [];
    const destructured = new Map<ts.Symbol, ts.BindingElement>();
    if (this.names.size > 0)
      for (const file of sources.files.values())
        if (/\benv\b/.test(file.text))
          for (const environment of descendants(file, (node): node is ts.Expression =>
            this.isEnvironment(node),
          ))
            this.collect(environment, reads, writes, destructured);
    this.reads = reads;
    this.writes = writes;
    this.destructured = destructured;
    this.roots = new Set<ts.Node>([
      ...reads.map(({ node }) => leftmost(node)),
      ...[...destructured.keys()].flatMap((symbol) => sources.referencesTo(symbol)),
    ]);
  }

  /** `process.env`, `Bun.env`, or `env` imported from node:process. */
  private isEnvironment(node: ts.Node): boolean {
    if (ts.isPropertyAccessExpression(node))
      return node.name.text === 'env' && /^(?:globalThis\.)?process$|^Bun$/.test(node.expression.getText());
    if (!ts.isIdentifier(node) || node.text !== 'env' || ts.isImportSpecifier(node.parent)) return false;
    const external = this.sources.externalOf(node);
    return external?.name === 'env' && /^(?:node:)?process$/.test(external.module);
  }

  private collect(
    environment: ts.Expression,
    reads: CredentialRead[],
    writes: ts.Expression[],
    destructured: Map<ts.Symbol, ts.BindingElement>,
  ): void {
    const access = environment.parent;
    const name = staticName(access, environment);
    if (name !== undefined) {
      if (!this.names.has(name)) return;
      const node = access as ts.Expression;
      if (isAssigned(node)) writes.push(node);
      else reads.push({ node, name });
      return;
    }
    if (ts.isElementAccessExpression(access) && access.expression === environment && isAssigned(access))
      return;
    if (isFirstOfAssign(environment)) return;
    const pattern = patternOf(environment);
    if (pattern && !pattern.elements.some((element) => takes(element, this.names))) return;
    const lasting = pattern && !enclosingFunction(pattern) && isAtModuleLevel(pattern);
    if (!lasting || pattern.elements.some((element) => element.dotDotDotToken)) {
      reads.push({ node: environment, name: undefined });
      return;
    }
    for (const element of pattern.elements) {
      const symbol = takes(element, this.names) && this.sources.checker.getSymbolAtLocation(element.name);
      if (symbol) destructured.set(symbol, element);
    }
  }
}

/** The variable that a binding element of `{ … } = process.env` takes. */
export const variableOf = (element: ts.BindingElement): string =>
  (element.propertyName ?? element.name).getText().replace(/^['"]|['"]$/g, '');

const takes = (element: ts.BindingElement, names: ReadonlySet<string>): boolean =>
  element.dotDotDotToken !== undefined || names.has(variableOf(element));

/** `NAME` of `environment.NAME` and `environment['NAME']`. */
function staticName(access: ts.Node, environment: ts.Expression): string | undefined {
  if (ts.isPropertyAccessExpression(access) && access.expression === environment) return access.name.text;
  return ts.isElementAccessExpression(access) &&
    access.expression === environment &&
    ts.isStringLiteralLike(access.argumentExpression)
    ? access.argumentExpression.text
    : undefined;
}

const isFirstOfAssign = (node: ts.Expression): boolean =>
  ts.isCallExpression(node.parent) &&
  node.parent.arguments[0] === node &&
  node.parent.expression.getText() === 'Object.assign';

/** The pattern of `const { … } = process.env`. */
function patternOf(environment: ts.Expression): ts.ObjectBindingPattern | undefined {
  let at: ts.Expression = environment;
  while (unwrap(at.parent as ts.Expression) === environment) at = at.parent as ts.Expression;
  const declaration = at.parent;
  return ts.isVariableDeclaration(declaration) && ts.isObjectBindingPattern(declaration.name)
    ? declaration.name
    : undefined;
}

const isAtModuleLevel = (pattern: ts.ObjectBindingPattern): boolean =>
  ts.isSourceFile(pattern.parent.parent.parent.parent);

function leftmost(expression: ts.Expression): ts.Expression {
  let at = expression;
  while (ts.isPropertyAccessExpression(at) || ts.isElementAccessExpression(at)) at = at.expression;
  return at;
}
