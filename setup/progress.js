/**
 * What set-up is doing, told on stderr: nothing for what takes no time, one line that counts the seconds on a terminal,
 * a line now and then elsewhere.
 */
const QUIET_MS = 400;
const TERMINAL_TICK_MS = 100;
const PLAIN_TICK_MS = 10_000;
const FRAMES = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';

/**
 * Does some work and shows that it is being done.
 * @template T
 * @param {string} title
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function progress(title, work) {
  const startedAt = Date.now();
  const line = process.stderr.isTTY ? terminalLine(title, startedAt) : plainLine(title, startedAt);
  try {
    const result = await work();
    line.end('✔');
    return result;
  } catch (error) {
    line.end('✖');
    throw error;
  }
}

/** @param {string} title @param {number} startedAt */
function terminalLine(title, startedAt) {
  let frame = 0;
  const timer = setInterval(() => {
    if (Date.now() - startedAt < QUIET_MS) return;
    frame = (frame + 1) % FRAMES.length;
    process.stderr.write(`\r\x1b[2K${FRAMES[frame]} ${title} ${seconds(startedAt)}`);
  }, TERMINAL_TICK_MS);
  return {
    /** @param {string} mark */
    end(mark) {
      clearInterval(timer);
      if (Date.now() - startedAt >= QUIET_MS) process.stderr.write(`\r\x1b[2K${mark} ${title} ${seconds(startedAt)}\n`);
    },
  };
}

/** @param {string} title @param {number} startedAt */
function plainLine(title, startedAt) {
  const timers = [
    setTimeout(() => process.stderr.write(`… ${title}\n`), QUIET_MS),
    setInterval(() => process.stderr.write(`… ${title}, ${seconds(startedAt)} so far\n`), PLAIN_TICK_MS),
  ];
  return {
    /** @param {string} mark */
    end(mark) {
      for (const timer of timers) clearTimeout(timer);
      if (Date.now() - startedAt >= QUIET_MS) process.stderr.write(`${mark} ${title} ${seconds(startedAt)}\n`);
    },
  };
}

/** @param {number} since */
function seconds(since) {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}
