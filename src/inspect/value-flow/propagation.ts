import { type Connected, stronglyConnected } from './strongly-connected.js';
import type { Thing } from './thing.js';
import { ThingSet } from './thing-set.js';

/** Slots with more targets than this wait until nothing else moves: what comes to them meanwhile is carried on at once. */
const MANY = 64;
/** Cycles are looked for after as many steps as there are inclusions, but not before as many as this. */
const LEAST_WORK = 20_000;

/** Programs that need more inclusions than this would take minutes and gigabytes; those of 500 files need 3 million. */
const MOST_INCLUSIONS = 12_000_000;

/** The values of a program go everywhere in circles, so that the analysis would not end in a time that anyone waits. */
export class TooManyInclusions extends Error {}

type Seen = (thing: Thing) => void;

/** What is read from each thing of a slot, into a slot of its own. */
interface Derived {
  readonly into: Slot;
  readonly seen: (thing: Thing, into: Slot) => void;
}

/** A place through which things flow: a variable, a property, a parameter, the value of an expression. */
export class Slot implements Connected<Slot> {
  readonly things = new ThingSet();
  /** Slots that hold all that this one holds. */
  readonly targets = new Set<Slot>();
  watchers: Seen[] | undefined;
  derived: Map<string, Derived> | undefined;
  /** Things that are not yet carried on. */
  fresh: ThingSet | undefined;
  visit: Connected<Slot>['visit'];
  /** The slot that stands for this one since they were found to hold the same. */
  mergedInto: Slot | undefined;
}

/** The slot that stands for a slot. */
export function standingFor(slot: Slot): Slot {
  let at = slot;
  while (at.mergedInto) {
    if (at.mergedInto.mergedInto) at.mergedInto = at.mergedInto.mergedInto;
    at = at.mergedInto;
  }
  return at;
}

/**
 * The solver: slots, the inclusions between them, and what is still to be carried along them. Only what is new is
 * carried on, and slots that include each other become one (online cycle elimination).
 */
export class Propagation {
  /** Every thing, by its number. */
  private readonly numbered: Thing[] = [];
  private readonly slots = new Map<object, Slot>();
  private readonly flowing = new Set<Slot>();
  private pending: Slot[] = [];
  private inclusions = 0;

  /** @param most how many inclusions it may come to before it gives up */
  constructor(private readonly most = MOST_INCLUSIONS) {}

  /** The slot of a symbol, a piece of syntax, or another key; made on first use. */
  slotOf(key: object): Slot {
    let slot = this.slots.get(key);
    if (!slot) {
      slot = new Slot();
      this.slots.set(key, slot);
    }
    return slot;
  }

  /** The slot of a key, if it has one. */
  knownSlot(key: object): Slot | undefined {
    return this.slots.get(key);
  }

  /** Makes a slot the slot of a key, too. */
  nameSlot(key: object, slot: Slot): void {
    this.slots.set(key, slot);
  }

  /** What a slot holds. */
  heldIn(slot: Slot): Set<Thing> {
    const held = new Set<Thing>();
    this.forEachIn(slot, (thing) => held.add(thing));
    return held;
  }

  forEachIn(slot: Slot, visit: (thing: Thing) => void): void {
    standingFor(slot).things.forEach(this.numbered, visit);
  }

  holds(slot: Slot, thing: Thing): boolean {
    return standingFor(slot).things.has(thing);
  }

  protected addThing(thing: Omit<Thing, 'id'>): Thing {
    const made = { ...thing, id: this.numbered.length };
    this.numbered.push(made);
    return made;
  }

  put(thing: Thing, slot: Slot): void {
    const holder = standingFor(slot);
    if (holder.things.add(thing)) this.freshOf(holder).add(thing);
  }

  private carry(things: ThingSet, slot: Slot): void {
    if (slot.fresh) slot.things.addAll(things, slot.fresh);
    else {
      const fresh = new ThingSet();
      if (slot.things.addAll(things, fresh)) {
        slot.fresh = fresh;
        this.pending.push(slot);
      }
    }
  }

  private freshOf(slot: Slot): ThingSet {
    if (!slot.fresh) {
      slot.fresh = new ThingSet();
      this.pending.push(slot);
    }
    return slot.fresh;
  }

  /**
   * What is in `from` is in `to`, too.
   *
   * @throws TooManyInclusions
   */
  flow(from: Slot, to: Slot): void {
    const source = standingFor(from);
    const target = standingFor(to);
    if (source === target || source.targets.has(target)) return;
    source.targets.add(target);
    this.flowing.add(source);
    this.inclusions++;
    if (this.inclusions > this.most) throw new TooManyInclusions();
    this.carry(source.things, target);
  }

  /** Calls back for each thing that is or comes to be in a slot, perhaps more than once. */
  watch(slot: Slot, seen: Seen): void {
    const watched = standingFor(slot);
    watched.watchers ??= [];
    watched.watchers.push(seen);
    watched.things.forEach(this.numbered, seen);
  }

  /**
   * A slot that is filled from each thing of another one.
   *
   * @param key says how: there is one such slot for each key
   */
  derive(slot: Slot, key: string, seen: Derived['seen']): Slot {
    const base = standingFor(slot);
    base.derived ??= new Map();
    const known = base.derived.get(key);
    if (known) return known.into;
    const into = new Slot();
    base.derived.set(key, { into, seen });
    base.things.forEach(this.numbered, (thing) => seen(thing, into));
    return into;
  }

  /** Carries everything along until nothing moves. */
  settle(): void {
    let work = 0;
    let limit = LEAST_WORK;
    let late: Slot[] = [];
    const mergeIfWorthIt = (): void => {
      if (work < limit) return;
      limit = Math.max(LEAST_WORK, this.mergeCycles());
      work = 0;
    };
    while (this.pending.length > 0 || late.length > 0) {
      const isLate = this.pending.length === 0;
      const round = isLate ? late : this.pending;
      if (isLate) {
        late = [];
        for (const slot of round) work += slot.targets.size;
        mergeIfWorthIt();
      } else this.pending = [];
      for (const slot of round) {
        if (!isLate && slot.targets.size > MANY) {
          late.push(slot);
          continue;
        }
        // The order of the rest does not matter: a slot is asked for what it has that is fresh.
        work += this.carryOn(slot);
        mergeIfWorthIt();
      }
    }
  }

  /** @returns how many steps it took */
  private carryOn(slot: Slot): number {
    const { fresh } = slot;
    if (!fresh || slot.mergedInto) return 0;
    slot.fresh = undefined;
    for (const target of slot.targets) {
      const standing = standingFor(target);
      if (standing !== slot) this.carry(fresh, standing);
    }
    for (const watcher of slot.watchers ?? []) fresh.forEach(this.numbered, watcher);
    for (const { seen, into } of slot.derived?.values() ?? [])
      fresh.forEach(this.numbered, (thing) => seen(thing, into));
    return slot.targets.size;
  }

  // ---- cycles ----

  /** @returns how many inclusions there are */
  private mergeCycles(): number {
    let inclusions = 0;
    for (const slot of this.flowing) {
      if (slot.mergedInto) this.flowing.delete(slot);
      for (const target of slot.targets) {
        if (!target.mergedInto) continue;
        slot.targets.delete(target);
        if (standingFor(target) !== slot) slot.targets.add(standingFor(target));
      }
      inclusions += slot.targets.size;
    }
    const same: [Slot, Slot][] = [];
    for (const [first, ...others] of stronglyConnected(this.flowing))
      for (const other of others) same.push([first!, other]);
    for (let next = same.pop(); next; next = same.pop()) {
      const into = standingFor(next[0]);
      const from = standingFor(next[1]);
      if (into !== from) same.push(...this.merge(from, into));
    }
    return inclusions;
  }

  /** @returns slots that must be the same from now on, too: those derived alike */
  private merge(from: Slot, into: Slot): [Slot, Slot][] {
    // What only one of them held is carried on once more, for the sake of the other's targets.
    const again = this.freshOf(into);
    into.things.forEach(this.numbered, (thing) => {
      if (!from.things.has(thing)) again.add(thing);
    });
    into.things.addAll(from.things, again);
    if (from.fresh) again.addAll(from.fresh, again);
    from.fresh = undefined;
    from.mergedInto = into;
    for (const target of from.targets) if (standingFor(target) !== into) into.targets.add(target);
    from.targets.clear();
    if (into.targets.size > 0) this.flowing.add(into);
    if (from.watchers) into.watchers = [...(into.watchers ?? []), ...from.watchers];
    from.watchers = undefined;
    const same: [Slot, Slot][] = [];
    for (const [key, derived] of from.derived ?? []) {
      into.derived ??= new Map();
      const alike = into.derived.get(key);
      if (alike) same.push([alike.into, derived.into]);
      else into.derived.set(key, derived);
    }
    from.derived = undefined;
    return same;
  }
}
