/** An authority and an OCSP responder by openssl: certificates that ask for an answer, good and revoked. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { killed } from '#test/support/child-end';
import { freePorts } from '#test/support/pebble';
import { until } from '#test/support/until';

const CONFIG = `
[ca]
default_ca = own
[own]
dir = .
database = index.txt
serial = serial
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = name
prompt = no
[name]
CN = nobody
[v3_ca]
basicConstraints = critical,CA:TRUE
subjectKeyIdentifier = hash
[delegate]
extendedKeyUsage = OCSPSigning
[stranger]
extendedKeyUsage = serverAuth
`;

export class OpensslAuthority implements AsyncDisposable {
  readonly port: number;
  readonly #directory: string;
  #responder: ChildProcess | null = null;

  private constructor(directory: string, port: number) {
    this.#directory = directory;
    this.port = port;
  }

  static async make(directory: string): Promise<OpensslAuthority> {
    const [port = 0] = await freePorts(1);
    const made = new OpensslAuthority(directory, port);
    made.#file('openssl.cnf', CONFIG);
    made.#file('index.txt', '');
    made.#file('serial', '8001\n');
    made.#key('ca');
    made.#run(
      'req',
      '-x509',
      '-new',
      '-key',
      'ca.key',
      '-subj',
      '/CN=OCSP CA',
      '-days',
      '30',
      '-out',
      'ca.pem',
      '-extensions',
      'v3_ca',
    );
    return made;
  }

  get root(): string {
    return this.#read('ca.pem');
  }

  /** A certificate that asks for an answer of the responder. */
  issue(hostname: string): { readonly chain: string; readonly key: string } {
    this.#file(
      'leaf.cnf',
      `${CONFIG}\n[leaf]\nsubjectAltName = DNS:${hostname}\nextendedKeyUsage = serverAuth\ntlsfeature = status_request\nauthorityInfoAccess = OCSP;URI:http://127.0.0.1:${this.port}\n`,
    );
    this.#key(hostname);
    this.#run('req', '-new', '-key', `${hostname}.key`, '-subj', `/CN=${hostname}`, '-out', 'leaf.csr');
    this.#run(
      'ca',
      '-batch',
      '-notext',
      '-config',
      'leaf.cnf',
      '-extensions',
      'leaf',
      '-in',
      'leaf.csr',
      '-out',
      `${hostname}.pem`,
      '-days',
      '10',
    );
    return { chain: this.#read(`${hostname}.pem`) + this.root, key: this.#read(`${hostname}.key`) };
  }

  revoke(hostname: string): void {
    this.#run('ca', '-batch', '-config', 'openssl.cnf', '-revoke', `${hostname}.pem`);
  }

  /** @param signer who signs the answers: the authority, one that it named for this, one that it named for something else */
  async respond(signer: 'ca' | 'delegate' | 'stranger' = 'ca'): Promise<void> {
    await this.silence();
    if (signer !== 'ca') {
      this.#key(signer);
      this.#run('req', '-new', '-key', `${signer}.key`, '-subj', `/CN=${signer}`, '-out', `${signer}.csr`);
      this.#run(
        'x509',
        '-req',
        '-in',
        `${signer}.csr`,
        '-CA',
        'ca.pem',
        '-CAkey',
        'ca.key',
        '-set_serial',
        '77',
        '-days',
        '5',
        '-extfile',
        'openssl.cnf',
        '-extensions',
        signer,
        '-out',
        `${signer}.pem`,
      );
    }
    const responder = spawn(
      'openssl',
      [
        ...['ocsp', '-port', String(this.port), '-index', 'index.txt', '-CA', 'ca.pem', '-ndays', '1', '-ignore_err'],
        ...['-rsigner', `${signer}.pem`, '-rkey', `${signer}.key`],
      ],
      { cwd: this.#directory, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.#responder = responder;
    let said = '';
    for (const stream of [responder.stdout, responder.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
    }
    await until(() => /waiting for OCSP client|ACCEPT/.test(said), { what: 'the responder listens' });
  }

  /** Nobody answers any more. */
  async silence(): Promise<void> {
    const responder = this.#responder;
    this.#responder = null;
    if (responder !== null) await killed(responder);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.silence();
  }

  #key(name: string): void {
    this.#run('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${name}.key`);
  }

  #run(...args: readonly string[]): void {
    const needsConfig = args[0] === 'req';
    execFileSync('openssl', [...args, ...(needsConfig ? ['-config', 'openssl.cnf'] : [])], {
      cwd: this.#directory,
      stdio: 'pipe',
    });
  }

  #file(name: string, text: string): void {
    writeFileSync(path.join(this.#directory, name), text);
  }

  #read(name: string): string {
    return readFileSync(path.join(this.#directory, name), 'utf8');
  }
}
