import type { Inspection, Manifest, Options } from '../../model.js';
import type { Verification } from '../verification.js';
import { reportToGithub } from './github.js';
import { reportAsHtml } from './html.js';
import { reportAsJunit } from './junit.js';
import { reportAsSarif } from './sarif.js';

/** A verification with what it was a verification of. */
export interface Report {
  /** Name of the project, from its package.json or directory. */
  readonly name: string;
  /** Version of this tool. */
  readonly version: string;
  readonly verification: Verification;
  readonly inspection: Inspection;
  readonly options: Options;
  readonly manifest: Manifest;
}

/** The formats that `--reporter` knows beside the terminal's own. */
const reporters = {
  junit: reportAsJunit,
  sarif: reportAsSarif,
  github: reportToGithub,
  html: reportAsHtml,
} satisfies Readonly<Record<string, (report: Report) => string>>;

export type ReporterName = keyof typeof reporters;

/** The verification in one of the formats, ready to be written. */
export const reportVerification = (name: ReporterName, report: Report): string => reporters[name](report);
