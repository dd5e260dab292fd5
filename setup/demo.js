/**
 * The example app as a container that Tidegate finds: created and not started, so that it is asleep at zero until
 * somebody asks for it. What runs is never touched.
 */
import { engineCall } from './engine-call.js';
import { ensureHello } from './images.js';
import { progress } from './progress.js';

export const DEMO = 'hello';

const LABELS = {
  'tidegate.enable': 'true',
  'tidegate.app': DEMO,
  'tidegate.port': '8080',
  'tidegate.health.path': '/healthz',
  'tidegate.scale.min': '0',
  'tidegate.scale.pause': '30s',
  'tidegate.scale.stop': '5m',
};

/**
 * @param {string} socketPath
 * @returns {Promise<boolean>} whether it is there; false when its name is taken by something that is not ours
 */
export async function ensureDemo(socketPath) {
  const image = await progress('making the example app', () => ensureHello({ socketPath }));
  const found = await inspect(socketPath, `/containers/${DEMO}/json`);
  if (found) {
    if (found.Config.Labels?.['tidegate.app'] !== DEMO) return false;
    const isOurs = found.Config.Image === image && !('com.docker.compose.project' in found.Config.Labels);
    const imageId = (await inspect(socketPath, `/images/${image}/json`))?.Id;
    if (!isOurs || found.State.Running || (found.Image === imageId && hasLabels(found))) return true;
    await expect(engineCall(socketPath, `/containers/${found.Id}?v=1`, { method: 'DELETE' }), 'remove');
    // What an older clone made and nobody uses any more; where somebody does, the Engine refuses.
    if (found.Image !== imageId) await engineCall(socketPath, `/images/${found.Image}`, { method: 'DELETE' });
  }
  const json = { Image: image, Labels: LABELS };
  await expect(engineCall(socketPath, `/containers/create?name=${DEMO}`, { method: 'POST', json }), 'create');
  return true;
}

/** @param {{ Config: { Labels: Record<string, string> } }} container */
function hasLabels({ Config: { Labels } }) {
  return Object.entries(LABELS).every(([name, value]) => Labels[name] === value);
}

/** @param {string} socketPath @param {string} path */
async function inspect(socketPath, path) {
  const { status, body } = await engineCall(socketPath, path);
  return status === 200 ? JSON.parse(body) : undefined;
}

/** @param {ReturnType<typeof engineCall>} call @param {string} verb */
async function expect(call, verb) {
  const { status, body } = await call;
  if (status >= 300) throw new Error(`the Engine did not ${verb} the container ${DEMO}: ${body.trim()}`);
}
