import { callsOf } from './calls.js';
import { CredentialValues } from './credential-values.js';
import { Effects } from './effects.js';
import { isShareablePackage } from './packages.js';
import { enclosingFunction, isInside, isNothing, type Sources, ts } from './source.js';
import { immediateCaller } from './timing.js';
import type { Thing, ValueFlow } from './value-flow.js';

/** What is known of the rest of the program's state. */
interface State {
  /** Does the variable, or what it holds, become each client's own? */
  isOfClient(symbol: ts.Symbol): boolean;
  changesForClients(thing: Thing): readonly ts.Node[];
  /** Do the things, or what they hold, change for a client? */
  isChanged(things: Iterable<Thing>): boolean;
  /** Does a node run while a client is served? */
  isPerClient(node: ts.Node): boolean;
  /** Does each client have an environment of its own? */
  hasOwnEnvironment(): boolean;
}

/** Tells clients and pools that are made on first use and serve everybody: `if (!pool) pool = new Pool()`. */
export class SharedResources {
  private effects: Effects | undefined;

  constructor(
    private readonly sources: Sources,
    private readonly flow: ValueFlow,
    private readonly state: State,
  ) {}

  /** Is every value that the variable is given a shareable client made from nothing of one client's, or nothing? */
  isShared(symbol: ts.Symbol, assigned: readonly ts.Node[], held: ReadonlySet<Thing>): boolean {
    return (
      held.size > 0 &&
      [...held].every((thing) => this.isShareable(thing)) &&
      assigned.every((node) => {
        const value = assignedIn(node);
        return value !== undefined && !this.takesClientValues(value, enclosingFunction(node));
      }) &&
      !this.isMadeFromState(symbol, assigned)
    );
  }

  private isShareable(thing: Thing): boolean {
    const isOfPackage = thing.kind === 'external' && isShareablePackage(thing.from?.module ?? '');
    return (isOfPackage || thing.kind === 'instance') && !this.state.isChanged([thing]);
  }

  /** Is the value built from parameters of the function around it (a token, a server, a user)? */
  private takesClientValues(value: ts.Node, fn: ts.FunctionLikeDeclaration | undefined, depth = 0): boolean {
    if (!fn) return false;
    if (depth > 6) return true;
    return [...this.sources.symbolsIn(value)].some((symbol) => {
      const declaration = symbol.valueDeclaration;
      if (!declaration || !isInside(declaration, fn) || isInside(declaration, value)) return false;
      if (!ts.isVariableDeclaration(declaration) || !declaration.initializer) return true;
      return this.takesClientValues(declaration.initializer, fn, depth + 1);
    });
  }

  /**
   * Is what is made built from something that a client sets (`new Client({ auth: token })` of a token that a tool keeps), or
   * chosen by it? Whoever comes next would be served with that.
   */
  private isMadeFromState(symbol: ts.Symbol, assigned: readonly ts.Node[]): boolean {
    const followed = this.followed((one) => one !== symbol && this.state.isOfClient(one));
    const made = assigned.flatMap((node) => assignedIn(node) ?? []).filter((value) => !isNothing(value));
    const isChosen = new Set(made.map((value) => value.getText())).size > 1;
    const conditions = isChosen ? assigned.flatMap(conditionsAround) : [];
    return [...made, ...conditions].some((value) => followed.carries(value));
  }

  /** Is what a package is given a client's: `mail.setApiKey(args.key)`, but not `mail.setApiKey(process.env.KEY)`? */
  isGivenByClient(value: ts.Expression): boolean {
    return this.followed((one) => this.isSentByClient(one) || this.state.isOfClient(one)).carries(value);
  }

  /** Is it a parameter of a function that serves a client and that nothing in the project calls, as it is of a handler? */
  private isSentByClient({ valueDeclaration }: ts.Symbol): boolean {
    const parameter = valueDeclaration && ts.findAncestor(valueDeclaration, ts.isParameter);
    const fn = parameter?.parent;
    return (
      parameter !== undefined &&
      fn !== undefined &&
      ts.isFunctionLike(fn) &&
      !ts.isConstructorDeclaration(fn) &&
      this.state.isPerClient(parameter) &&
      immediateCaller(fn) === undefined &&
      callsOf(this.sources, fn as ts.FunctionLikeDeclaration).length === 0
    );
  }

  private followed(isOrigin: (symbol: ts.Symbol) => boolean): CredentialValues {
    this.effects ??= new Effects(this.sources, new Set());
    return new CredentialValues(this.sources, this.effects, {
      isOrigin,
      isUnnamedOrigin: (one) =>
        ts.isPropertyAccessExpression(one) ? this.state.hasOwnEnvironment() : this.isOriginHere(one),
    });
  }

  /** Does a client have a say in `this`, or in what is read of it: `this.config.cacheDir`? */
  private isOriginHere(self: ts.Expression): boolean {
    const read = ts.isPropertyAccessExpression(self.parent) ? self.parent : undefined;
    const own = [...this.flow.valuesOf(self)];
    const name = read?.name.text;
    // A method or an accessor may read whatever else.
    const isField = own.every(({ owner }) => owner && ts.isClassLike(owner) && !computes(owner, name));
    if (!read || name === undefined || !isField) return this.state.isChanged(own);
    const changes = own.flatMap((thing) => this.state.changesForClients(thing));
    return (
      changes.some((change) => mayAssign(change, name)) || this.state.isChanged(this.flow.valuesOf(read))
    );
  }
}

const assignedIn = (node: ts.Node): ts.Expression | undefined =>
  ts.isBinaryExpression(node) ? node.right : undefined;

const computes = (owner: ts.ClassLikeDeclaration, name: string | undefined): boolean =>
  owner.heritageClauses !== undefined ||
  owner.members.some((one) => one.name?.getText() === name && ts.isFunctionLike(one));

/** Not `this.model = …` when another property is meant. */
const mayAssign = (change: ts.Node, name: string): boolean =>
  !ts.isBinaryExpression(change) ||
  !ts.isPropertyAccessExpression(change.left) ||
  change.left.name.text === name;

/** What decides, inside the function around a node, whether it is evaluated. */
function conditionsAround(node: ts.Node): ts.Expression[] {
  const found: ts.Expression[] = [];
  for (let at = node; at.parent && !ts.isFunctionLike(at); at = at.parent) {
    const { parent } = at;
    if (ts.isConditionalExpression(parent) && parent.condition !== at) found.push(parent.condition);
    if ((ts.isIfStatement(parent) || ts.isSwitchStatement(parent)) && parent.expression !== at)
      found.push(parent.expression);
  }
  return found;
}
