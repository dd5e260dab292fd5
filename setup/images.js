/**
 * The images of the example, made without a registry: a base with the Node of node_modules and the few shared libraries
 * it needs, and the app on top. Made once for each content; asking again costs one call.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { engineCall, progressError } from './engine-call.js';
import { folderEntries } from './folder-entries.js';
import { tar } from './tar.js';

export const NODE_BASE = 'tidegate/node:24';
export const HELLO = 'tidegate/hello:dev';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const NODE_BINARY = path.join(ROOT, 'node_modules/node/bin/node');
const REGISTRY_BASE = 'node:24-slim';
const BUILD_MS = 180_000;
const CONTENT_LABEL = 'org.opencontainers.image.revision';
const RECIPE = 1; // goes up when the recipe of the base changes

/** Loaded by the C library at run time where it is older than 2.34, and so not listed by `ldd`. */
const RESOLVER_LIBRARIES = ['libnss_files.so.2', 'libnss_dns.so.2', 'libresolv.so.2'];

const BASE_TEXTS = [
  { path: 'etc/passwd', text: 'root:x:0:0:root:/root:/sbin/nologin\nnode:x:1000:1000:node:/tmp:/sbin/nologin\n' },
  { path: 'etc/group', text: 'root:x:0:\nnode:x:1000:\n' },
  { path: 'etc/nsswitch.conf', text: 'passwd: files\ngroup: files\nhosts: files dns\n' },
];

/**
 * @typedef {{ readonly socketPath: string, readonly report?: (what: string) => void }} Engine
 *   `report` is told what is being made, and only if something is.
 */

/**
 * Makes sure that the example's image exists and is of the present content.
 * @param {Engine} engine
 * @returns {Promise<string>} its name
 */
export async function ensureHello(engine) {
  const entries = [
    ...(await folderEntries(ROOT, 'examples/hello')),
    ...(await folderEntries(ROOT, 'node_modules/ws')),
  ].filter(({ path: name }) => !name.endsWith('.md'));
  const base = await localBase();
  const content = createHash('sha256').update(base?.content ?? REGISTRY_BASE);
  for (const { path: name, file } of entries) content.update(`\0${name}\0`).update(await readFile(file));
  const wanted = content.digest('hex');
  if ((await imageContent(engine, HELLO)) === wanted) return HELLO;

  const baseName = base ? await ensureNodeBase(engine) : REGISTRY_BASE;
  engine.report?.('building the image of the example app');
  await build(engine, HELLO, {
    dockerfile: 'examples/hello/Dockerfile',
    args: { BASE: baseName },
    content: wanted,
    entries,
  });
  return HELLO;
}

/**
 * Makes sure that the Node base image exists and is of the present content. Linux only: elsewhere the Node at hand
 * does not run in a container, and the base comes from a registry.
 * @param {Engine} engine
 * @returns {Promise<string>} its name
 */
export async function ensureNodeBase(engine) {
  const base = await localBase();
  if (!base) throw new Error(`no base image can be made on ${process.platform}: use ${REGISTRY_BASE}`);
  if ((await imageContent(engine, NODE_BASE)) === base.content) return NODE_BASE;
  engine.report?.('making a Node base image');
  const changes = ['ENV PATH=/usr/local/bin', 'CMD ["node"]', `LABEL ${CONTENT_LABEL}=${base.content}`];
  const [repo = '', tag = ''] = NODE_BASE.split(':');
  const query = new URLSearchParams({ fromSrc: '-', repo, tag });
  for (const change of changes) query.append('changes', change);
  await make(engine, NODE_BASE, { path: `/images/create?${query}`, entries: base.entries });
  return NODE_BASE;
}

/**
 * Builds an image from a Dockerfile that is among the entries.
 * @param {Engine} engine
 * @param {string} name
 * @param {{ dockerfile: string, args: Record<string, string>, content: string, entries: Iterable<import('./tar.js').Entry> }} recipe
 */
export async function build(engine, name, { dockerfile, args, content, entries }) {
  const query = new URLSearchParams({
    t: name,
    dockerfile,
    rm: '1',
    forcerm: '1',
    buildargs: JSON.stringify(args),
    labels: JSON.stringify({ [CONTENT_LABEL]: content }),
  });
  await make(engine, name, { path: `/build?${query}`, entries });
}

/**
 * @param {Engine} engine
 * @param {string} name
 * @param {{ path: string, entries: Iterable<import('./tar.js').Entry> }} call
 */
async function make({ socketPath }, name, { path: callPath, entries }) {
  const answer = await engineCall(socketPath, callPath, { method: 'POST', tar: tar(entries), timeoutMs: BUILD_MS });
  const error = progressError(answer);
  if (error) throw new Error(`the Engine could not make the image ${name}: ${error}`);
}

/** @param {Engine} engine @param {string} name */
async function imageContent({ socketPath }, name) {
  const { status, body } = await engineCall(socketPath, `/images/${name}/json`);
  return status === 200 ? JSON.parse(body).Config?.Labels?.[CONTENT_LABEL] : undefined;
}

/** What the base holds, and a digest that changes with it; `undefined` where it cannot be made. */
async function localBase() {
  if (process.platform !== 'linux' || !existsSync(NODE_BINARY)) return undefined;
  const libraries = await sharedLibraries(NODE_BINARY);
  const files = [
    { path: 'usr/local/bin/node', file: NODE_BINARY, mode: 0o755 },
    ...libraries.map((file) => ({ path: file.slice(1), file, mode: 0o755 })),
  ];
  const content = createHash('sha256').update(`${RECIPE}`);
  for (const { path: name, file } of files) {
    const { size, mtimeMs } = await stat(file);
    content.update(`\0${name}\0${size}\0${file === NODE_BINARY ? '' : mtimeMs}`);
  }
  content.update(await readFile(path.join(ROOT, 'node_modules/node/package.json')));
  /** @type {import('./tar.js').Entry[]} */
  const entries = [{ path: 'tmp', folder: true, mode: 0o1777 }, ...BASE_TEXTS, ...files];
  return { content: content.digest('hex'), entries };
}

/** @param {string} binary */
async function sharedLibraries(binary) {
  const { stdout } = await promisify(execFile)('ldd', [binary]);
  const listed = [...stdout.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)].map(([, file = '']) => file);
  const folder = path.dirname(listed.find((file) => file.includes('/libc.so')) ?? '/lib');
  const resolver = RESOLVER_LIBRARIES.map((name) => path.join(folder, name)).filter((file) => existsSync(file));
  return [...new Set([...listed, ...resolver])];
}
