/**
 * A registry with one image in it, for pulls by a real Engine: over plain HTTP on 127.0.0.1, which every Engine trusts.
 * It can hold back a layer, so that a test sees a pull under way.
 *
 * Docker Registry HTTP API V2; image manifest version 2, schema 2.
 */
import { createHash } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { tar } from '#docker/tar';

const MANIFEST_TYPE = 'application/vnd.docker.distribution.manifest.v2+json';

export class TestRegistry implements AsyncDisposable {
  /** `METHOD /path` of what was asked. */
  readonly asked: string[] = [];
  readonly #server: http.Server;
  readonly #answers = new Map<string, { readonly type: string; readonly body: Buffer }>();
  #digest = '';
  #layerPath = '';
  #held: (() => void)[] | null = null;
  #heldAfterBytes = 0;

  /** Has `shop/web:1`; asks for a password for `shop/private`. */
  static async start(): Promise<TestRegistry> {
    const registry = new TestRegistry();
    await new Promise<void>((resolve) => registry.#server.listen(0, '127.0.0.1', resolve));
    registry.publish('first');
    return registry;
  }

  private constructor() {
    this.#server = http.createServer((request, response) => this.#answer(request, response));
  }

  /** `127.0.0.1:<port>` */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get image(): string {
    return `${this.address}/shop/web:1`;
  }

  /** `<name>@sha256:…` of what `shop/web:1` is now. */
  get digest(): string {
    return `${this.address}/shop/web@${this.#digest}`;
  }

  /** Makes `shop/web:1` an image that holds this text. */
  publish(text: string): void {
    const layer = tar([{ path: 'text', data: Buffer.from(text) }]);
    const packed = gzipSync(layer);
    const config = Buffer.from(
      JSON.stringify({
        architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
        os: 'linux',
        config: {
          Entrypoint: ['/run'],
          Cmd: ['it'],
          User: '7',
          ExposedPorts: { '9000/tcp': {}, '53/udp': {}, '80/tcp': {} },
          Volumes: { '/data': {} },
          Healthcheck: { Test: ['CMD-SHELL', 'true'], Interval: 5e9 },
        },
        rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
      }),
    );
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MANIFEST_TYPE,
        config: { mediaType: 'application/vnd.docker.container.image.v1+json', ...described(config) },
        layers: [{ mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip', ...described(packed) }],
      }),
    );
    this.#digest = digestOf(manifest);
    this.#layerPath = `/v2/shop/web/blobs/${digestOf(packed)}`;
    for (const reference of ['1', this.#digest]) {
      this.#answers.set(`/v2/shop/web/manifests/${reference}`, { type: MANIFEST_TYPE, body: manifest });
    }
    for (const blob of [config, packed]) {
      this.#answers.set(`/v2/shop/web/blobs/${digestOf(blob)}`, { type: 'application/octet-stream', body: blob });
    }
  }

  /** Layers are not sent before `release`, but for so much of their beginning. */
  hold(bytes = 0): void {
    this.#held ??= [];
    this.#heldAfterBytes = bytes;
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const send of held) send();
  }

  /** Requests for the layer, answered or not. */
  get layerRequests(): number {
    return this.asked.filter((one) => one === `GET ${this.#layerPath}`).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    const url = request.url ?? '/';
    this.asked.push(`${request.method} ${url}`);
    if (url.startsWith('/v2/shop/private')) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="registry"' });
      response.end(JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'authentication required' }] }));
      return;
    }
    const answer = url === '/v2/' ? { type: 'application/json', body: Buffer.from('{}') } : this.#answers.get(url);
    if (answer === undefined) {
      response.writeHead(404, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ errors: [{ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown' }] }));
      return;
    }
    const digest = url.split('/').at(-1) === '1' ? this.#digest : (url.split('/').at(-1) ?? '');
    const begin = (): void => {
      const headers = { 'content-type': answer.type, 'content-length': answer.body.length };
      response.writeHead(200, { ...headers, 'docker-content-digest': digest });
    };
    if (url === this.#layerPath && this.#held !== null) {
      const sent = this.#heldAfterBytes;
      if (sent > 0) {
        begin();
        response.write(answer.body.subarray(0, sent));
      }
      this.#held.push(() => {
        if (sent === 0) begin();
        response.end(answer.body.subarray(sent));
      });
      return;
    }
    begin();
    response.end(request.method === 'HEAD' ? undefined : answer.body);
  }
}

function digestOf(content: Buffer): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

function described(content: Buffer): { size: number; digest: string } {
  return { size: content.length, digest: digestOf(content) };
}
