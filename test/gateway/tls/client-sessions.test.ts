/** Sessions that are resumed prove what was proved when they were made, to whom it was proved, and nothing more. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import type { ConnectionOptions } from 'node:tls';
import type { SetPolicy } from '#core/set';
import { testAuthority } from '#test/certs/certificate-authority';
import { onEveryTlsLane, type TlsRig, talk } from '../support/tls.ts';
import { echo } from '../support/upstreams.ts';

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
const ONE_CERTIFICATE = { names: ['*.app.test'] };

const partners = testAuthority('Partners CA');
const others = testAuthority('Others CA');
const good = partners.issueClient();
const goodOfOthers = others.issueClient();

type Version = (typeof VERSIONS)[number];

/** `asks` and `too` ask for one authority, `other` for another, `free` for none; one certificate is shown for all. */
async function withApps(rig: TlsRig): Promise<void> {
  rig.clientAuthorities.put('partners', partners.certificate);
  rig.clientAuthorities.put('others', others.certificate);
  const { port } = await rig.app(echo);
  const policies: Record<string, Partial<SetPolicy>> = {
    asks: { clientCertificates: { authority: 'partners', optional: false } },
    too: { clientCertificates: { authority: 'partners', optional: true } },
    other: { clientCertificates: { authority: 'others', optional: false } },
    free: {},
  };
  for (const [set, policy] of Object.entries(policies)) {
    rig.addSet({ host: `${set}.app.test`, set, ports: [port], policy });
  }
}

interface Visit {
  readonly session: Buffer;
  readonly outcome: string;
}

interface Visitor {
  readonly version: Version;
  readonly certificate?: { readonly cert: string; readonly key: string };
  /** Of an earlier visit. */
  readonly session?: Buffer;
}

/** One request to a set: whether its session was resumed, how it was answered, and the certificate the container saw. */
async function visit(rig: TlsRig, set: string, { version, certificate, session }: Visitor): Promise<Visit> {
  const servername = `${set}.app.test`;
  const options: ConnectionOptions = { servername, maxVersion: version, rejectUnauthorized: false, ...certificate };
  const socket = rig.dial(session === undefined ? options : { ...options, session });
  const made = new Promise<Buffer>((resolve) => socket.once('session', resolve));
  const answer = await talk(socket, `GET / HTTP/1.1\r\nHost: ${servername}\r\nConnection: close\r\n\r\n`);
  const seen = /"Client-Cert",":([^:]*):"/.exec(answer)?.[1];
  const outcome = [socket.isSessionReused() ? 'resumed' : 'full', answer.slice(9, 12)];
  if (seen !== undefined) outcome.push(new X509Certificate(Buffer.from(seen, 'base64')).fingerprint256);
  // A session that was resumed need not be made anew.
  const kept = socket.isSessionReused() ? (session ?? Buffer.alloc(0)) : bare(await made, servername);
  return { session: kept, outcome: outcome.join(' ') };
}

/** Node's client marks a session with the name it was made for, and would not try it for another. */
function bare(session: Buffer, servername: string): Buffer {
  return session.subarray(session.indexOf(servername) + servername.length);
}

function inBy(certificate: { readonly cert: string }): string {
  return `200 ${new X509Certificate(certificate.cert).fingerprint256}`;
}

onEveryTlsLane('a session carries the certificate it was made with', ONE_CERTIFICATE, async (rig) => {
  await withApps(rig);
  for (const version of VERSIONS) {
    const first = await visit(rig, 'asks', { version, certificate: good });
    assert.equal(first.outcome, `full ${inBy(good)}`, version);
    const { session } = first;
    assert.equal((await visit(rig, 'asks', { version, session })).outcome, `resumed ${inBy(good)}`, version);
    assert.equal((await visit(rig, 'too', { version, session })).outcome, `resumed ${inBy(good)}`, version);
  }
});

onEveryTlsLane('a session without a certificate stays one', ONE_CERTIFICATE, async (rig) => {
  await withApps(rig);
  for (const version of VERSIONS) {
    for (const from of ['asks', 'too']) {
      const { session, outcome } = await visit(rig, from, { version });
      assert.equal(outcome, from === 'asks' ? 'full 403' : 'full 200');
      assert.equal((await visit(rig, 'asks', { version, session })).outcome, 'resumed 403', version);
      assert.equal((await visit(rig, 'asks', { version, session, certificate: good })).outcome, 'resumed 403');
      assert.equal((await visit(rig, 'too', { version, session })).outcome, 'resumed 200', version);
    }
  }
});

onEveryTlsLane('a session with a certificate that did not verify stays one', ONE_CERTIFICATE, async (rig) => {
  await withApps(rig);
  for (const version of VERSIONS) {
    for (const certificate of [goodOfOthers, partners.issueClient({ usage: 'server' })]) {
      const { session, outcome } = await visit(rig, 'asks', { version, certificate });
      assert.equal(outcome, 'full 403');
      assert.equal((await visit(rig, 'asks', { version, session })).outcome, 'resumed 403', version);
      assert.equal((await visit(rig, 'too', { version, session })).outcome, 'resumed 403', version);
    }
  }
});

onEveryTlsLane('a session for a name that asks otherwise is not resumed', ONE_CERTIFICATE, async (rig) => {
  await withApps(rig);
  for (const version of VERSIONS) {
    const free = await visit(rig, 'free', { version });
    const other = await visit(rig, 'other', { version, certificate: goodOfOthers });
    const asks = await visit(rig, 'asks', { version, certificate: good });
    assert.equal((await visit(rig, 'free', { version, session: free.session })).outcome, 'resumed 200', 'it would be');
    for (const { session } of [free, other]) {
      assert.equal((await visit(rig, 'asks', { version, session })).outcome, 'full 403', version);
      assert.equal((await visit(rig, 'asks', { version, session, certificate: good })).outcome, `full ${inBy(good)}`);
    }
    for (const { session } of [free, asks]) {
      assert.equal((await visit(rig, 'other', { version, session })).outcome, 'full 403', version);
    }
    assert.equal((await visit(rig, 'free', { version, session: asks.session })).outcome, 'full 200', version);
  }
});

onEveryTlsLane('a session from before a change of the authority is not resumed', ONE_CERTIFICATE, async (rig) => {
  await withApps(rig);
  for (const version of VERSIONS) {
    rig.clientAuthorities.put('partners', partners.certificate);
    const { session } = await visit(rig, 'asks', { version, certificate: good });
    rig.clientAuthorities.put('partners', others.certificate);
    assert.equal((await visit(rig, 'asks', { version, session })).outcome, 'full 403', version);
    rig.clientAuthorities.put('partners', partners.certificate, others.certificate);
    assert.equal((await visit(rig, 'asks', { version, session })).outcome, 'full 403', version);
    rig.clientAuthorities.drop('partners');
    assert.equal((await visit(rig, 'asks', { version, session })).outcome, 'full 503', version);
  }
});

onEveryTlsLane('workers resume the sessions of each other by the same rules', ONE_CERTIFICATE, async (rig) => {
  const twin = await rig.twin();
  await withApps(rig);
  await withApps(twin);
  for (const version of VERSIONS) {
    const free = await visit(rig, 'free', { version });
    const none = await visit(rig, 'too', { version });
    const asks = await visit(rig, 'asks', { version, certificate: good });
    const again = (set: string, { session }: Visit): Promise<Visit> => visit(twin, set, { version, session });
    assert.equal((await again('free', free)).outcome, 'resumed 200', version);
    assert.equal((await again('asks', asks)).outcome, `resumed ${inBy(good)}`, version);
    assert.equal((await again('asks', free)).outcome, 'full 403', version);
    assert.equal((await again('asks', none)).outcome, 'resumed 403', version);
    assert.equal((await again('other', asks)).outcome, 'full 403', version);
    twin.clientAuthorities.put('partners', others.certificate);
    assert.equal((await again('asks', asks)).outcome, 'full 403', `${version}: it has read another bundle`);
    twin.clientAuthorities.put('partners', partners.certificate);
  }
});
