import { onExit } from 'signal-exit';

/**
 * What may not outlive us: programs that run, directories that are ours alone. Signals are listened to only while
 * there is any of it: a listener has its turn only when no code runs, and an analysis would go on after Ctrl-C.
 */
export class ClearedAtExit<Held> {
  private readonly held = new Set<Held>();
  private stopListening: (() => void) | undefined;

  constructor(private readonly clear: (one: Held) => void) {}

  add(one: Held): void {
    this.held.add(one);
    this.stopListening ??= onExit(() => {
      for (const left of this.held) this.clear(left);
    });
  }

  delete(one: Held): void {
    this.held.delete(one);
    if (this.held.size > 0) return;
    this.stopListening?.();
    this.stopListening = undefined;
  }
}
