/** Labels by which the containers of a replica that Tidegate made are told from those that people made. */
import { REPLICA_ROLES, readMemberLabel } from '#core/replica-labels';
import { type Label, labelsOf } from './label.ts';
import { choice, pattern, type Shape, wholeNumber } from './shape.ts';

const container = labelsOf('container');

const replicaId = pattern('the id of a replica', /^rep_[0-9A-Za-z]{1,40}$/, (text) => text.trim());
const instanceId = pattern('the id of an instance of Tidegate', /^ins_[0-9A-Za-z]{1,40}$/, (text) => text.trim());
const memberName: Shape<NonNullable<ReturnType<typeof readMemberLabel>>> = {
  expected: 'index and name of a container of a set, such as 1.main',
  read(text) {
    const value = readMemberLabel(text);
    return value === null ? null : { value };
  },
  bend: (text) => text.toLowerCase().replace(/^(\d+)[-_:]/, '$1.'),
};

export const POD_LABELS = {
  replica: {
    ...container.optional('replica', replicaId, null, {
      meaning: 'Replica that the container is a part of.',
      example: 'rep_01JDR8Z7G0000000000000000A',
    }),
    internal: true,
  },
  role: {
    ...container.optional('role', choice(REPLICA_ROLES), null, {
      meaning:
        '`pause`: it holds network, IPC and volume of the replica, and stands for it. `member`: it lives in them.',
      example: 'member',
    }),
    internal: true,
  },
  member: {
    ...container.optional('member', memberName, null, {
      meaning: 'Start order and name of a member; the one with the lowest index is the main one.',
      example: '1.main',
    }),
    internal: true,
  },
  members: {
    ...container.optional('members', wholeNumber({ min: 0, max: 1000 }), null, {
      meaning: 'Members that the replica was made of.',
      example: '2',
    }),
    internal: true,
  },
  instance: {
    ...container.optional('instance', instanceId, null, {
      meaning: 'Instance of Tidegate that made the container.',
      example: 'ins_01JDR8Z7G0000000000000000A',
    }),
    internal: true,
  },
} as const satisfies Record<string, Label>;
