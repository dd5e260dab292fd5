/** A reason why set-up cannot go on that the person at the keyboard can remove, and the command that does. */
export class SetupError extends Error {
  /**
   * @param {string} message what is missing or broken
   * @param {string} [command] what to run
   */
  constructor(message, command) {
    super(message);
    this.name = 'SetupError';
    this.command = command;
  }
}
