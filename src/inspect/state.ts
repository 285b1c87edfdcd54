import type { StateBinding, StateKind } from '../model.js';
import { ClientKeys } from './client-keys.js';
import { Effects } from './effects.js';
import { changesEnvironment, GlobalWrites, targetOfWrite } from './global-writes.js';
import {
  initializerOf,
  isSeparable,
  patternNames,
  type StateDeclaration,
  symbolOfDeclaration,
} from './lasting.js';
import { Memos } from './memo.js';
import { isNeverRead } from './never-read.js';
import { isServer } from './server-statements.js';
import { SharedResources } from './shared-resource.js';
import {
  awaits,
  descendants,
  enclosingFunction,
  isDecoration,
  isInside,
  type Sources,
  ts,
} from './source.js';
import { isNeverRun } from './timing.js';
import type { Reached, Thing, ValueFlow } from './value-flow.js';
import { isWorldOfItsOwn } from './world-of-its-own.js';

/** A binding outside any handler that one process would share between its clients. */
export interface StateFinding {
  /** The binding that holds it, if one does. */
  readonly symbol?: ts.Symbol;
  readonly name: string;
  readonly declaration: ts.Node;
  /** It cannot be separated by the rewriter. */
  readonly stuck?: boolean;
  /** Separated while the service runs, by itself or because it is kept under an object of each client's: the sources stay as they are. */
  readonly separated?: 'by-service' | 'by-key';
  readonly kind: StateKind;
  readonly writes: readonly ts.Node[];
  readonly decision: 'isolate' | 'share';
  readonly reason: string;
}

/** A finding as the inspection reports it. */
export const bindingOf = (sources: Sources, finding: StateFinding): StateBinding => ({
  name: finding.name,
  at: sources.locationOf(finding.declaration),
  kind: finding.kind,
  writtenBy: finding.writes.slice(0, 10).map((write) => sources.locationOf(write)),
  decision: finding.decision,
  reason: finding.reason,
});

/** Tells code that runs for a client from code that runs once. */
export interface When {
  isPerClient(node: ts.Node): boolean;
}

/** Judges bindings whose value outlives a call: who changes what they hold, and when. */
export class StateJudge {
  private readonly changes = new Map<Thing, readonly ts.Node[]>();
  /** Things that hold nothing which changes for a client. */
  private readonly unchanged: Reached = { things: new Set(), slots: new Set() };
  private readonly ofClients = new Map<ts.Symbol, boolean>();
  private readonly keys: ClientKeys;
  private readonly global: GlobalWrites;
  private readonly resources: SharedResources;
  private readonly memos: Memos;

  constructor(
    private readonly sources: Sources,
    private readonly flow: ValueFlow,
    private readonly timing: When,
  ) {
    this.keys = new ClientKeys(sources, flow, timing);
    this.memos = new Memos(sources, new Effects(sources, new Set()), (symbol) => this.isOfClient(symbol));
    this.global = new GlobalWrites(sources, flow, timing, (value) => this.resources.isGivenByClient(value));
    this.resources = new SharedResources(sources, flow, {
      isOfClient: (symbol) => this.isOfClient(symbol),
      changesForClients: (thing) => this.changesForClients(thing),
      isChanged: (things) => this.isChanged(things),
      isPerClient: (node) => timing.isPerClient(node),
      hasOwnEnvironment: () => this.global.changeEnvironment(),
    });
  }

  /** The finding for one declaration, or undefined when nothing of it changes after the start. */
  judge(declaration: StateDeclaration): StateFinding | undefined {
    const symbol = symbolOfDeclaration(this.sources, declaration);
    if (!symbol) return undefined;
    if (ts.isVariableDeclaration(declaration) && isNeverRead(this.sources, this.flow, declaration))
      return undefined;
    const held = ts.isPropertyDeclaration(declaration)
      ? this.flow.heldByField(declaration)
      : this.flow.heldBy(symbol);
    return this.judgeName(symbol, declaration, held);
  }

  /** Variables of a destructuring pattern that change for a client. */
  judgePattern(declaration: StateDeclaration): StateFinding[] {
    return patternNames(declaration).flatMap((element) => {
      const symbol = this.sources.checker.getSymbolAtLocation(element.name);
      const finding = symbol && this.judgeName(symbol, declaration, this.flow.heldBy(symbol));
      if (!finding) return [];
      return [isSeparable(declaration) ? finding : { ...finding, stuck: true }];
    });
  }

  /** The finding for the instance that an expression makes, named after its class. */
  judgeInstance(made: ts.NewExpression): StateFinding | undefined {
    const instance = [...this.flow.valuesOf(made)].filter(
      (thing) => thing.kind === 'instance' && thing.node === made,
    );
    const owner = instance[0]?.owner;
    const name = owner && (ts.isClassLike(owner) || ts.isFunctionDeclaration(owner)) ? owner.name : undefined;
    const symbol = name && this.sources.symbolOf(name);
    const writes = [...this.flow.reach(instance)].flatMap((thing) => this.changesForClients(thing));
    if (!symbol || writes.length === 0) return undefined;
    const reason = 'each server has its own, and it changes while its client is served';
    return {
      symbol,
      name: name.text,
      declaration: made,
      kind: 'instance',
      writes,
      decision: 'isolate',
      reason,
    };
  }

  /** What changes for a client and is held by none of the bindings: nothing can be put in its place. */
  judgeUnheld(declarations: readonly StateDeclaration[]): StateFinding[] {
    const held = this.flow.reach(
      declarations.flatMap((declaration) => {
        const names = ts.isExportAssignment(declaration)
          ? []
          : descendants(declaration, ts.isIdentifier).filter(
              (one) => ts.isVariableDeclaration(one.parent) || ts.isBindingElement(one.parent),
            );
        const symbols = [
          symbolOfDeclaration(this.sources, declaration),
          ...names.map((name) => this.sources.checker.getSymbolAtLocation(name)),
        ];
        return [
          ...(ts.isPropertyDeclaration(declaration) ? this.flow.heldByField(declaration) : []),
          ...symbols.flatMap((symbol) => (symbol ? [...this.flow.heldBy(symbol)] : [])),
        ];
      }),
    );
    const finding = (
      node: ts.Node,
      name: string,
      kind: StateKind,
      writes: readonly ts.Node[],
      how: Pick<StateFinding, 'stuck' | 'separated'> = { stuck: true },
    ): StateFinding[] => {
      return writes.length > 0
        ? [
            {
              name,
              declaration: node,
              ...how,
              kind,
              writes,
              decision: 'isolate',
              reason: 'it is changed while a client is served',
            },
          ]
        : [];
    };
    const things = [...this.flow.things()].filter(
      (thing) =>
        !held.has(thing) &&
        /^(?:collection|instance|function|class)$/.test(thing.kind) &&
        this.isMadeOnce(thing.node),
    );
    return [
      ...things.flatMap((thing) =>
        finding(thing.node, nameOfThing(thing.node), 'mutated', this.changesWithin(thing, held)),
      ),
      ...[...this.global.writes(), ...this.global.settings()].flatMap((write) =>
        finding(
          write,
          targetOfWrite(write),
          'reassigned',
          [write],
          changesEnvironment(write) ? { separated: 'by-service' } : { stuck: true },
        ),
      ),
    ];
  }

  /**
   * What functions of the program's start have made and its clients change: they all would share it, unless it is held by
   * variables that can be made each client's own where they stand.
   */
  judgeSetUp(): StateFinding[] {
    const separable = [...this.sources.files.values()]
      .flatMap((file) => descendants(file, ts.isVariableDeclaration))
      .filter((declaration) => this.isForClientsOnly(declaration))
      .flatMap((declaration) => this.judge(declaration) ?? [])
      .filter(({ kind, decision }) => decision === 'isolate' && kind !== 'own-of-process');
    const held = this.flow.reach(
      separable.flatMap(({ symbol }) => (symbol ? [...this.flow.heldBy(symbol)] : [])),
    );
    const stuck = [...this.flow.things()].flatMap((thing): StateFinding[] => {
      if (!/^(?:collection|instance|variable)$/.test(thing.kind) || !enclosingFunction(thing.node)) return [];
      if (held.has(thing) || this.timing.isPerClient(thing.node)) return [];
      if (isNeverRun(this.sources, this.flow, thing.node)) return [];
      const writes = this.changesForClients(thing);
      if (writes.length === 0) return [];
      const reason = 'it is made at the start of the program and changed while a client is served';
      const name = nameOfThing(thing.node);
      return [
        { name, declaration: thing.node, stuck: true, kind: 'mutated', writes, decision: 'isolate', reason },
      ];
    });
    return [...separable, ...stuck];
  }

  /** A local of the program's start that only code for a client uses, with an initial value that needs no other local. */
  isForClientsOnly(declaration: ts.VariableDeclaration): boolean {
    const { initializer } = declaration;
    if (!initializer || !ts.isIdentifier(declaration.name) || !enclosingFunction(declaration)) return false;
    if (!ts.isVariableStatement(declaration.parent.parent) || this.timing.isPerClient(declaration))
      return false;
    const symbol = symbolOfDeclaration(this.sources, declaration);
    const uses = symbol ? this.sources.referencesTo(symbol) : [];
    if (uses.length === 0 || !uses.every((use) => this.timing.isPerClient(use))) return false;
    const needsItsFunction =
      awaits(initializer) || /\b(?:this|super|arguments|yield)\b/.test(initializer.getText());
    return (
      !needsItsFunction &&
      [...this.sources.symbolsIn(initializer)].every((used) => {
        const made = used.valueDeclaration;
        return !made || isInside(made, initializer) || !enclosingFunction(made);
      })
    );
  }

  private judgeName(
    symbol: ts.Symbol,
    declaration: StateDeclaration,
    held: ReadonlySet<Thing>,
  ): StateFinding | undefined {
    const stuck = this.flow.isReadThroughModuleValue(symbol);
    const finding = (
      kind: StateKind,
      writes: readonly ts.Node[],
      decision: 'isolate' | 'share',
      reason: string,
    ): StateFinding => ({
      symbol,
      name: nameOf(declaration, symbol),
      declaration,
      ...(stuck ? { stuck } : {}),
      kind,
      writes,
      decision,
      reason,
    });
    const assigned = [...this.flow.assignmentsOf(symbol)];
    const assignedLater = assigned.filter((node) => this.timing.isPerClient(node));
    if (assignedLater.length > 0 && [...held].some(isServer))
      return finding('captures-server', assignedLater, 'isolate', 'it holds a server');
    if (assignedLater.length > 0) {
      if (this.resources.isShared(symbol, assigned, held))
        return finding(
          'resource',
          assignedLater,
          'share',
          'a client or pool that is made once and serves everybody',
        );
      if (this.isMemo(symbol, held))
        return finding('memo', assignedLater, 'share', 'whoever comes first, it is filled with the same');
      return finding('reassigned', assignedLater, 'isolate', 'it is assigned while a client is served');
    }
    const byKey = [...held].filter((one) => this.keys.separate(one));
    const writesTo = (thing: Thing) =>
      isWorldOfItsOwn(this.sources, thing)
        ? this.sources.referencesTo(symbol).filter((reference) => this.timing.isPerClient(reference))
        : this.changesForClients(thing);
    const changed = this.firstIn(
      [...held].filter((one) => !byKey.includes(one)),
      (thing) => writesTo(thing).length > 0,
    );
    if (changed) return finding(kindOf(changed), writesTo(changed), 'isolate', reasonFor(changed));
    const byKeyWrites = byKey.flatMap((one) => this.changesForClients(one));
    if (byKeyWrites.length > 0) {
      const reason = 'each client has an object of its own that it is kept under';
      return { ...finding('mutated', byKeyWrites, 'isolate', reason), separated: 'by-key' };
    }
    const initializer = initializerOf(declaration);
    const own = initializer && ownOfProcess(initializer);
    return own
      ? finding('own-of-process', [own], 'isolate', 'every process had a value of its own')
      : undefined;
  }

  /** Is it filled with the same for all clients, who change nothing of what it holds? */
  private isMemo(symbol: ts.Symbol, held: ReadonlySet<Thing>): boolean {
    return this.memos.isMemo(symbol) && !this.isChanged(held) && !this.global.changeEnvironment();
  }

  /** Where a thing, or what only an instance holds, is changed for a client. */
  private changesWithin(thing: Thing, held: ReadonlySet<Thing>): ts.Node[] {
    const inside = thing.kind === 'instance' ? [...this.flow.reach([thing])] : [thing];
    return inside.filter((one) => !held.has(one)).flatMap((one) => this.changesForClients(one));
  }

  /** Does a variable that is not made anew for each client, or a static field of a class, change for one? */
  private isOfClient(symbol: ts.Symbol): boolean {
    const known = this.ofClients.get(symbol);
    if (known !== undefined) return known;
    this.ofClients.set(symbol, false);
    const declaration = symbol.valueDeclaration;
    const answer =
      declaration !== undefined &&
      fieldsOf(declaration).some(
        (field) => !this.timing.isPerClient(field) && this.judge(field)?.decision === 'isolate',
      );
    this.ofClients.set(symbol, answer);
    return answer;
  }

  /** Do the things, or what they hold, change for a client? */
  private isChanged(things: Iterable<Thing>): boolean {
    return this.firstIn(things, (thing) => this.changesForClients(thing).length > 0) !== undefined;
  }

  /** The first of the things, and what they hold, that changes. What holds nothing that does is not gone through again. */
  private firstIn(things: Iterable<Thing>, isChanged: (thing: Thing) => boolean): Thing | undefined {
    const reached = this.flow.explore(things, isChanged, this.unchanged);
    // Whether a world of its own changes depends on who holds it.
    if (reached.wanted || [...reached.things].some((one) => isWorldOfItsOwn(this.sources, one)))
      return reached.wanted;
    for (const thing of reached.things) this.unchanged.things.add(thing);
    for (const slot of reached.slots) this.unchanged.slots.add(slot);
    return undefined;
  }

  private changesForClients(thing: Thing): readonly ts.Node[] {
    const known = this.changes.get(thing);
    if (known) return known;
    // A base class that keeps listeners or the like changes whenever it is used.
    const later = [...this.flow.changesTo(thing)].filter(
      (place) => this.timing.isPerClient(place) || ts.isHeritageClause(place.parent.parent ?? place),
    );
    this.changes.set(thing, later);
    return later;
  }

  /** Is the node evaluated once, while its module is loaded? Fields of an instance are made with the instance. */
  private isMadeOnce(node: ts.Node): boolean {
    if (this.timing.isPerClient(node)) return false;
    const field = ts.findAncestor(node, ts.isPropertyDeclaration);
    if (field && !field.modifiers?.some(isStatic)) return false;
    const fn = enclosingFunction(node);
    return !fn || [...this.flow.callsOf(fn)].some(isDecoration);
  }
}

/** The variable itself, or the static fields of a class. */
const fieldsOf = (declaration: ts.Declaration): StateDeclaration[] =>
  ts.isVariableDeclaration(declaration) || ts.isPropertyDeclaration(declaration)
    ? [declaration]
    : ts.isClassLike(declaration)
      ? declaration.members.filter(ts.isPropertyDeclaration).filter((one) => one.modifiers?.some(isStatic))
      : [];

const kindOf = (thing: Thing): StateKind =>
  thing.kind === 'collection' || thing.kind === 'external' ? 'mutated' : 'instance';

function reasonFor(thing: Thing): string {
  switch (thing.kind) {
    case 'instance': {
      const owner = thing.owner && ts.isClassLike(thing.owner) ? thing.owner.name?.text : undefined;
      return `${owner ?? 'its class'} changes its fields while a client is served`;
    }
    case 'variable':
      return 'the functions it holds change variables they close over';
    case 'external':
      return 'its contents change while a client is served';
    default:
      return 'it is changed in place while a client is served';
  }
}

/** What a process makes for itself at its start and shows nobody else: random identifiers, temporary directories. */
function ownOfProcess(initializer: ts.Expression): ts.Node | undefined {
  return descendants(initializer, ts.isCallExpression).find(
    (call) =>
      !enclosingFunction(call) &&
      // `z.string().uuid()` makes none.
      /(?:^|\.)(?:randomUUID|randomBytes|randomInt|getRandomValues|mkdtemp(?:Sync)?)$|^(?:Math\.random|nanoid|uuid(?:v[147]|\.v[147])?|ulid)$/.test(
        call.expression.getText(),
      ),
  );
}

const isStatic = (modifier: ts.ModifierLike): boolean => modifier.kind === ts.SyntaxKind.StaticKeyword;

function nameOfThing(node: ts.Node): string {
  const isNamed =
    ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node) || ts.isVariableDeclaration(node);
  if (isNamed && node.name && ts.isIdentifier(node.name)) return node.name.text;
  const text = node.getText().split('\n')[0] ?? '';
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

const nameOf = (declaration: StateDeclaration, symbol: ts.Symbol): string =>
  ts.isExportAssignment(declaration) ? 'default' : symbol.name.replace(/^__#\d+@/, '');
