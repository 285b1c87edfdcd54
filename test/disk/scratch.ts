import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';

/** A directory of its own for one test, with the given files; gone when the test is. */
export function scratch(files: Readonly<Record<string, string>> = {}): string {
  const directory = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'create-mcp-prod-'));
  onTestFinished(() => fs.rmSync(directory, { recursive: true, force: true }));
  for (const [file, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(directory, file)), { recursive: true });
    fs.writeFileSync(path.join(directory, file), text);
  }
  return directory;
}

/** Every file below a directory with its text, and every empty directory. */
export function snapshot(directory: string): Record<string, string> {
  const found: Record<string, string> = {};
  const entries = fs.readdirSync(directory, { withFileTypes: true, recursive: true });
  for (const entry of entries) {
    const absolute = path.join(entry.parentPath, entry.name);
    const name = path.relative(directory, absolute).split(path.sep).join('/');
    if (entry.isFile()) found[name] = fs.readFileSync(absolute, 'utf8');
    else if (entry.isDirectory() && fs.readdirSync(absolute).length === 0) found[`${name}/`] = '';
  }
  return found;
}
