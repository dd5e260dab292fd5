/**
 * Runs beside a test Engine in a session of its own and waits for the end of the process that started both: however
 * that one ends, nothing is left. Started without a folder it sweeps what earlier runs left, and ends.
 */
import { readGround, sweepGround, sweepStaleGrounds } from './engine-ground.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  await sweepStaleGrounds();
} else {
  for await (const _ of process.stdin); // ends with the process that holds the other end
  const ground = readGround(folder);
  if (ground) await sweepGround(ground);
}
