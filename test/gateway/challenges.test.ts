/** Certificate authorities are answered before routes, redirects and policies, and nobody else is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { send } from './support/clients.ts';
import { LANES, Rig } from './support/rig.ts';

const PATH = '/.well-known/acme-challenge';

for (const lane of LANES) {
  test(`an authority gets the key authorization, also where the app redirects (${lane} lane)`, async () => {
    const rig = new Rig({ lane });
    try {
      await rig.start();
      rig.addSet({ host: 'app.test', ports: [], policy: { tls: 'only' } });
      const { challenges } = rig.gateway;
      const ask = async (path: string, hostname = 'app.test', method = 'GET') =>
        await send(rig.port, { path, method, headers: { host: hostname } });
      assert.equal((await ask(`${PATH}/token`)).status, 308);
      await challenges.showHttp('token', 'token.thumb');
      for (const hostname of ['app.test', 'unknown.test']) {
        const answer = await ask(`${PATH}/token`, hostname);
        assert.equal(answer.status, 200);
        assert.equal(answer.headers['content-type'], 'application/octet-stream');
        assert.equal(answer.text, 'token.thumb');
      }
      const head = await ask(`${PATH}/token`, 'app.test', 'HEAD');
      assert.deepEqual([head.status, head.headers['content-length']], [200, '11']);
      // Of others: the app may have an authority of its own.
      for (const [path, method] of [
        [`${PATH}/other`, 'GET'],
        [`${PATH}/token/`, 'GET'],
        [`${PATH}/token`, 'POST'],
        ['/', 'GET'],
      ] as const) {
        assert.equal((await ask(path, 'app.test', method)).status, 308, `${method} ${path}`);
      }
      challenges.hideHttp('token');
      assert.equal((await ask(`${PATH}/token`)).status, 308);
    } finally {
      await rig.close();
    }
  });
}
