import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Express } from 'express';
import type { Feature } from './feature.js';

const patienceMs = 1000;
const rememberedMs = 2000;

export type Health = 'healthy' | 'degraded' | 'draining';

/** Answers the questions of orchestrators and balancers; none of them waits longer than a second. */
export class HealthReport {
  readonly #version = packageVersion();
  readonly #features: readonly Feature[];
  #draining = false;
  #ready = true;
  #checked: { at: number; problems: Promise<Record<string, string>> } | undefined;

  constructor(features: readonly Feature[]) {
    this.#features = features.filter((feature) => feature.ready);
  }

  /** What `/readyz` last found out. */
  get ready(): boolean {
    return this.#ready && !this.#draining;
  }

  /** From now on readiness says no. */
  drain(): void {
    this.#draining = true;
  }

  /** Mounts `/health`, `/livez` and `/readyz`. */
  mount(app: Express): void {
    app.get('/livez', (_request, response) => {
      response.json({ status: 'alive' });
    });
    app.get('/health', async (_request, response) => {
      const problems = await this.#problems();
      const failing = Object.keys(problems).length > 0;
      const status: Health = this.#draining ? 'draining' : failing ? 'degraded' : 'healthy';
      const uptime = Math.round(process.uptime() * 1000) / 1000;
      response.json({ status, version: this.#version, uptime, ...(failing && { problems }) });
    });
    app.get('/readyz', async (_request, response) => {
      const problems = { ...(await this.#problems()), ...(this.#draining && { shutdown: 'in progress' }) };
      const ready = Object.keys(problems).length === 0;
      this.#ready = ready;
      response
        .status(ready ? 200 : 503)
        .json(ready ? { status: 'ready' } : { status: 'not ready', problems });
    });
  }

  /** What is wrong, by the name of the feature that says so. */
  #problems(): Promise<Record<string, string>> {
    const now = Date.now();
    if (!this.#checked || now - this.#checked.at > rememberedMs)
      this.#checked = { at: now, problems: this.#check() };
    return this.#checked.problems;
  }

  async #check(): Promise<Record<string, string>> {
    const answers = await Promise.all(
      this.#features.map(async (feature): Promise<[string, string][]> => {
        const problem = await problemOf(feature);
        return problem === undefined ? [] : [[feature.name, problem]];
      }),
    );
    return Object.fromEntries(answers.flat());
  }
}

async function problemOf(feature: Feature): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve('no answer within a second'), patienceMs);
  });
  const answer = Promise.resolve(feature.ready?.()).then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  try {
    return await Promise.race([answer, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** The version in the package.json above the program that was started. */
function packageVersion(): string {
  let folder = dirname(process.argv[1] ?? process.cwd());
  for (;;) {
    try {
      const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
        version?: string;
      };
      if (version) return version;
    } catch {
      // Not here; look further up.
    }
    const parent = dirname(folder);
    if (parent === folder) return '0.0.0';
    folder = parent;
  }
}
