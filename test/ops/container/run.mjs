#!/usr/bin/env node
// Builds the generated Dockerfiles without a Docker engine and runs the images: as root on Debian, with buildah.
//   node test/ops/container/run.mjs [sample …]
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildBaseImages, buildFlags, quiet } from './base-images.mjs';
import { samples } from './samples.mjs';

const repository = path.resolve(import.meta.dirname, '../../..');
const work = mkdtempSync(path.join(os.tmpdir(), 'mcp-images-'));
const managers = path.join(work, 'managers');

/** Runs a program to its end; throws with its output when it fails. */
function run(command, args, options = {}) {
  const env = { ...process.env, PATH: `${managers}/bin:${process.env.PATH}`, CI: 'true' };
  const done = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28, env, ...options });
  if (done.status === 0) return done.stdout;
  throw new Error(
    `${command} ${args.join(' ')}: ${done.error ?? done.status}\n${done.stdout}${done.stderr}`.slice(-4000),
  );
}

const storage = ['--root', `${work}/storage`, '--runroot', `${work}/run`, '--storage-driver', 'overlay'];
const buildah = (...args) => run('buildah', [...storage, ...args]);

function must(holds, what) {
  if (!holds) throw new Error(what);
}

/** Converts the sample, and builds its image from the generated files as they are. */
function build(name, sample) {
  const folder = path.join(work, name.replace(/\W/g, '-'));
  const member = path.join(folder, sample.make(folder) ?? '.');
  run(sample.install[0], sample.install.slice(1), { cwd: folder });
  const cli = path.join(repository, 'dist/cli.js');
  run(process.execPath, [cli, member, '--yes', '--docker', '--no-install', '--no-verify', '--allow-dirty']);
  run(sample.install[0], sample.install.slice(1), { cwd: folder });
  const tag = `sample-${path.basename(folder).toLowerCase()}`;
  const file = path.join(member, 'Dockerfile');
  buildah('bud', ...buildFlags, '--layers', '-t', tag, '-f', file, folder);
  return tag;
}

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The command in the image's file system, as the image's user, as process 1 of its own. */
function start(root, { User, Env, WorkingDir }, command, more) {
  const inside = `cd ${WorkingDir} && exec "$0" "$@"`;
  const chroot = [
    'chroot',
    `--userspec=${User}`,
    root,
    '/usr/bin/env',
    '-i',
    ...Env,
    ...more,
    '/bin/sh',
    '-c',
    inside,
  ];
  const apart = ['--mount', '--pid', '--fork', '--kill-child', `--mount-proc=${root}/proc`];
  return spawn('unshare', [...apart, ...chroot, ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

const ended = (child) =>
  new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));

async function answers(url, init) {
  for (let attempt = 0; attempt < 200; attempt++) {
    const answer = await fetch(url, init).catch(() => undefined);
    if (answer?.ok) return answer;
    await sleep(100);
  }
  throw new Error(`${url} does not answer`);
}

async function check(tag, sample) {
  const image = JSON.parse(buildah('inspect', '--type', 'image', tag)).Docker.config;
  must(image.User === '1000:1000', `the user is ${image.User}`);
  must(image.StopSignal === 'SIGTERM', `the stop signal is ${image.StopSignal}`);
  must(image.Healthcheck?.Test?.[0] === 'CMD', 'there is no health check in exec form');
  must(image.Labels['org.opencontainers.image.version'], 'there is no version label');
  const container = buildah('from', '--pull-never', tag).trim();
  const root = buildah('mount', container).trim();
  const app = path.join(root, image.WorkingDir);
  must(statSync(path.join(app, 'package.json')).uid === 0, 'the files do not belong to root');
  must(
    !existsSync(path.join(root, 'app/node_modules/typescript')),
    'development dependencies are in the image',
  );
  must(!existsSync(path.join(app, '.git')) && !existsSync(path.join(app, '.env')), 'too much was copied');
  const write = start(root, image, ['touch', 'mine'], []);
  must((await ended(write)) !== 0, 'the process can write its own code');
  if (sample.inside)
    must((await ended(start(root, image, sample.inside, []))) === 0, 'the check inside fails');

  const port = await freePort();
  const settings = [`PORT=${port}`, 'ALLOW_UNAUTHENTICATED=true'];
  const child = start(root, image, image.Cmd, settings);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output += chunk;
    });
  const end = ended(child);
  try {
    await answers(`http://127.0.0.1:${port}/readyz`);
    const health = start(root, image, image.Healthcheck.Test.slice(1), settings);
    must((await ended(health)) === 0, 'the health check fails on a healthy service');
    const elsewhere = start(root, image, image.Healthcheck.Test.slice(1), ['PORT=1']);
    must((await ended(elsewhere)) !== 0, 'the health check passes where nothing listens');
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' });
    const list = await (
      await answers(`http://127.0.0.1:${port}/mcp`, { method: 'POST', headers, body })
    ).text();
    must(list.includes('"tools":[{'), `tools/list answers ${list}`);
    const [pid] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .map(Number);
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    must(/^NSpid:.*\t1$/m.test(status), 'it is not process 1');
    must(/^Uid:\t1000\t/m.test(status), 'it runs as another user');
    const begun = performance.now();
    process.kill(pid, 'SIGTERM');
    must((await end) === 0, 'SIGTERM does not end it with 0');
    must(performance.now() - begun < 5000, 'SIGTERM takes too long');
  } catch (error) {
    throw new Error(`${error.message}\n${output}`);
  } finally {
    child.kill('SIGKILL');
  }
  const bytes = Number(run('du', ['-sb', root]).split('\t')[0]);
  const own = Number(run('du', ['-sb', path.join(root, 'app')]).split('\t')[0]);
  buildah('rm', container);
  return `${Math.round(bytes / 1e6)} MB, of which the service ${Math.round(own / 1e6)} MB`;
}

/** What builds images on Debian. */
function installBuilders() {
  const missing = ['buildah', 'mmdebstrap'].filter((name) => spawnSync(name, ['--version']).error);
  if (missing.length === 0) return;
  run('apt-get', ['update', '-qq']);
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing]);
}

/** The package managers that the samples are installed with, each under one name. */
function installManagers() {
  const packages = { pnpm: 'pnpm@10', yarn: 'yarn@1', bun: 'bun@1', yarn4: '@yarnpkg/cli-dist@4.9.4' };
  mkdirSync(`${managers}/bin`, { recursive: true });
  for (const [name, wanted] of Object.entries(packages)) {
    const prefix = `${managers}/${name}`;
    run('npm', ['install', ...quiet, '--prefix', prefix, wanted]);
    symlinkSync(`${prefix}/node_modules/.bin/${name.replace('4', '')}`, `${managers}/bin/${name}`);
  }
}

/** Builds and tries one sample; what became of it, in a line. */
async function outcomeOf(name, sample, missing) {
  const reason = missing.get(sample.needs);
  if (reason !== undefined) return `NOT RUN  ${name}: there is no base image for it: ${reason}`;
  const begun = performance.now();
  try {
    const size = await check(build(name, sample), sample);
    return `ok       ${name}: ${size}; ${Math.round((performance.now() - begun) / 1000)} s`;
  } catch (error) {
    return `FAIL     ${name}: ${error.message}`;
  }
}

/** Ends with 1 when an image is not right, with 3 when one could not be tried for want of a base. */
async function main() {
  const named = process.argv.slice(2);
  const chosen = Object.entries(samples).filter(([name]) => named.length === 0 || named.includes(name));
  const outcomes = [];
  try {
    const missing = prepare(new Set(chosen.map(([, sample]) => sample.needs)));
    for (const [name, sample] of chosen) {
      const outcome = await outcomeOf(name, sample, missing);
      console.log(outcome);
      outcomes.push(outcome.split(' ', 1)[0]);
    }
  } finally {
    spawnSync('buildah', [...storage, 'umount', '--all']);
    // buildah mounts its storage onto itself.
    spawnSync('umount', ['--lazy', '--recursive', `${work}/storage/overlay`]);
    rmSync(work, { recursive: true, force: true });
  }
  const count = (word) => outcomes.filter((outcome) => outcome === word).length;
  console.log(`images: ${count('ok')} passed, ${count('FAIL')} failed, ${count('NOT')} not run`);
  process.exitCode = count('FAIL') > 0 ? 1 : count('NOT') > 0 ? 3 : 0;
}

/** Everything that images are made with; why base images are missing, by the kind of sample that needs them. */
function prepare(kinds) {
  try {
    installBuilders();
    installManagers();
    return buildBaseImages(work, kinds, { run, buildah });
  } catch (error) {
    return new Map([...kinds].map((kind) => [kind, error.message]));
  }
}

await main();
