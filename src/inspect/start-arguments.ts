import type { StartArguments } from '../model.js';
import { commandsOf } from './client-program.js';
import type { ConnectSite } from './connect.js';
import { findNeededArguments } from './needed-arguments.js';
import type { Sources, ts } from './source.js';
import { findUnchosen, switchesFor } from './unchosen-connect.js';

/** Where the program asks for command line arguments without which it does not serve stdio. */
export function findArgumentsNeeded(sources: Sources, site: ConnectSite): ts.Node | undefined {
  const command = site.program && commandsOf(sources, site.program).length > 0 ? site.program : undefined;
  return command ?? findUnchosen(sources, site)[0]?.condition ?? findNeededArguments(sources);
}

/** The arguments, where there is one way only to have the program serve stdio: `--stdio`, or a command's name. */
export function findStartArguments(sources: Sources, site: ConnectSite): StartArguments | undefined {
  const needed = findArgumentsNeeded(sources, site);
  if (!needed || findNeededArguments(sources)) return undefined;
  const commands = site.program ? commandsOf(sources, site.program) : [];
  const names = [...new Set(commands.map(({ name }) => name))];
  if (names.length > 1 || commands.some(({ asks }) => asks)) return undefined;
  const switches = findUnchosen(sources, site).map((one) => switchesFor(sources, one));
  if (!switches.every((some) => some !== undefined)) return undefined;
  return { arguments: [...names, ...new Set(switches.flat())], at: sources.locationOf(needed) };
}
