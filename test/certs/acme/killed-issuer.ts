/** A process that is killed with the certificate in hand, before it is in the vault: `killed-issuer.ts OPTIONS`. */
import { ChallengeAnswers } from '#gateway/challenge-answers';
import type { Pebble } from '#test/support/pebble';
import { vaultIn } from '../vault/vault-ground.ts';
import { IssuanceGround } from './issuance-ground.ts';

const { directory, pebble, hostname, port } = JSON.parse(process.argv[2] ?? '{}') as {
  directory: string;
  pebble: Pebble;
  hostname: string;
  port: number;
};
const { createServer } = await import('node:http');
const board = new ChallengeAnswers();
createServer((request, response) => {
  const answer = board.answerFor(request.method ?? '', request.url ?? '');
  response.writeHead(answer === null ? 404 : 200).end(answer ?? '');
}).listen(port, '127.0.0.1');
const ground = await vaultIn(directory);
ground.vault.put = () => {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => {});
};
const issuing = await IssuanceGround.open({ directory, pebble, board, ground, holder: 'control' });
issuing.want(hostname);
