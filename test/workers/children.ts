/** The processes beneath a supervisor, as the system sees them. */
import { listProcesses } from '#test/support/system-processes';

export function childrenOf(parent: number, role: 'control' | 'worker'): number[] {
  return listProcesses()
    .filter((one) => one.parent === parent && one.commandLine.includes(` ${role} {`))
    .map((one) => one.pid);
}
