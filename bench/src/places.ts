import path from 'node:path';

/** The directory of this package, and what is made below it. */
export const here = path.resolve(import.meta.dirname, '..');
/** Where the measured projects are written; can be thrown away at any time. */
export const work = path.join(here, '.work');
/** The command of this repository. */
export const cli = path.join(here, '../dist/cli.js');

/** The file of a package's command. */
export const packaged = (file: string): string => path.join(here, 'node_modules', file);
