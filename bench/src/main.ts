/** `npm run bench`: prepares, measures, reports. `--short` only proves that everything measured answers rightly. */

import fs from 'node:fs';
import { measureColdStarts } from './measure/cold-start.js';
import { measureCommands } from './measure/command-line.js';
import { measureMemory } from './measure/memory.js';
import { profileCalls } from './measure/profile.js';
import { measureThroughput } from './measure/throughput.js';
import { work } from './places.js';
import { short, whole } from './plans.js';
import {
  type ConversionName,
  conversionNames,
  prepareConverted,
  prepareStdio,
  type Tools,
} from './projects/prepare.js';
import { describeMachine } from './report/machine.js';
import { readResults, writeReport } from './report/write-report.js';
import type { Results } from './results.js';
import { start } from './running.js';
import { ablations, naive, ours, peers, type Subject, unlifted, writeList } from './subjects.js';

const isShort = process.argv.includes('--short');
const plan = isShort ? short : whole;
/** Progress, with the seconds since the start. */
const say = (text: string): boolean =>
  process.stderr.write(`${performance.now().toFixed(0).slice(0, -3).padStart(5)} s  ${text}\n`);
const [stateless] = ours as [Subject];

/** What is measured with every number of tools; the rest is with 60. */
const everySize: readonly ConversionName[] = ['stateless', 'stateful'];

async function prepare(): Promise<void> {
  fs.mkdirSync(work, { recursive: true });
  for (const tools of new Set([...plan.tools, ...plan.scaling])) {
    say(`Preparing the server with ${tools} tools`);
    await prepareStdio(tools);
    for (const name of everySize) await prepareConverted(tools, name);
    await keepList(tools);
  }
  for (const name of conversionNames) if (!everySize.includes(name)) await prepareConverted(60, name);
}

/** The list that the limit hands out is what the converted server answers. */
async function keepList(tools: Tools): Promise<void> {
  const server = await start(stateless, tools);
  try {
    writeList(tools, await server.client.list());
  } finally {
    await server.stop();
  }
}

/** One measurement after another: they would disturb each other. */
async function inTurn<T, R>(items: readonly T[], measure: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await measure(item));
  return results;
}

async function measure(): Promise<Results> {
  const machine = describeMachine();
  const main = await inTurn(plan.tools, (tools) => {
    say(`Requests, ${tools} tools`);
    return measureThroughput(peers, tools, plan.main);
  });
  say('Cost of each part');
  const parts = await measureThroughput(ablations, 60, plan.single);
  say('Profile');
  const profile = await profileCalls(stateless, 60, plan.profile);
  const scaling = await inTurn(plan.scaling, (tools) => {
    say(`Scaling, ${tools} tools`);
    return measureThroughput([...ours, naive], tools, plan.single);
  });
  say('Memory');
  const memory = await inTurn([...peers.filter((subject) => !subject.slow), unlifted], (subject) => {
    const { inProcess, inProcesses } = plan.sessions;
    const sessions = subject.id === 'supergateway' ? inProcesses : inProcess;
    return measureMemory(subject, 60, { sessions, requests: isShort ? 20 : 3000 });
  });
  say('Cold starts');
  const coldStarts = await measureColdStarts(peers, 60, plan.coldStarts);
  say('Commands');
  const commands = await measureCommands(plan.commands);
  return {
    machine,
    main: main.flat(),
    parts,
    profile,
    scaling: scaling.flat(),
    memory,
    coldStarts,
    commands,
  };
}

/** `--report` writes the tables of the last run again. */
async function results(): Promise<Results> {
  if (process.argv.includes('--report')) return readResults();
  await prepare();
  return measure();
}

// Exiting by ourselves, not by the signal, ends the servers that were started, too.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1));

const found = await results();
if (isShort) say('Every answer was right. The times of so short a run mean nothing.');
else writeReport(found);
