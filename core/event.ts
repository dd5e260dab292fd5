/**
 * Events: what happened to a resource, in the order it happened. Keepers report through an EventSink; the store keeps the
 * last ones and the admin API streams them.
 */

export const EVENT_TYPES = {
  'host.degraded': 'The Engine of a host does not answer; what is known is served on.',
  'host.recovered': 'The Engine of a host answers again.',
  'host.connected': 'The Engine of a host answered for the first time and was listed.',
  'worker.started': 'A gateway process serves.',
  'worker.exited': 'A gateway process ended without having been asked to; another one takes its place.',
  'control.exited': 'The control process ended without having been asked to; another one took its place.',
  'container.started': 'A container of a set began to run.',
  'container.stopping': 'A stop signal was sent to a container of a set; it takes no new requests.',
  'container.died': 'A container of a set ended.',
  'container.oom': 'A container of a set ran out of memory.',
  'container.destroyed': 'A container of a set was removed.',
  'set.discovered': 'A set was found that was not known before.',
  'set.crowded': 'Several containers of a set of class data run at the same time; it is to have one.',
  'set.removed': 'The last container of a set is gone and its routes with it.',
  'route.conflict': 'A hostname and path is claimed by a second set; the first keeps it.',
  'route.taken': 'A claim that had been in conflict took over, because its holder left.',
  'route.refused':
    'A hostname that labels claim is not served: another tenant has verified it, or labels are not trusted with it.',
  'route.unroutable': 'A replica runs but no address of it can be dialled.',
  'label.rejected': 'A label has a bad value; the last good form of the set stays in force.',
  'label.unknown': 'A label starts with tidegate. but means nothing.',
  'replica.ready': 'A replica passed its first probe and takes requests.',
  'replica.unhealthy': 'A replica failed its probes and takes no requests.',
  'replica.created': 'Tidegate made a replica.',
  'replica.removed': 'Tidegate removed a replica that it had made.',
  'replica.draining': 'A replica finishes what is in flight and takes nothing new.',
  'replica.memory_high': 'A replica uses nine tenths of its memory or more.',
  'replica.failed': 'A replica could not be started, thawed, stopped or made.',
  'set.waking': 'A set was asked for while it had no ready replica.',
  'set.awake': 'A set that was waking has a ready replica.',
  'set.wake_failed': 'A set could not be woken.',
  'set.wake_limited':
    'A request was turned away because the plan of the tenant lets it wake nothing more for now; told once a minute.',
  'set.frozen': 'The replicas of an idle set were frozen.',
  'set.sandbox': 'The members of an idle set were stopped; network and address of its replicas are kept.',
  'set.stopped': 'The replicas of an idle set were stopped.',
  'set.absent':
    'The replicas of an idle set were removed; the set itself is left, and comes back when it is asked for.',
  'set.scaled':
    'The scale of a set was changed by a person or a program, or its load asks for another number of replicas.',
  'domain.added': 'A tenant claimed a hostname.',
  'domain.verified': 'A tenant has proved that a hostname is its own; requests for it are routed.',
  'domain.dns_ok': 'A claimed hostname points here.',
  'domain.dns_wrong': 'A claimed hostname does not point here, or not any more.',
  'domain.lapsed': 'The proof of a hostname has been gone for too long; it is not routed any more.',
  'domain.taken': 'Another tenant has proved that a hostname is its own.',
  'domain.removed': 'A tenant gave up a hostname.',
  'certificate.ordered': 'A certificate was ordered at an authority.',
  'certificate.issued': 'A certificate was issued and is served.',
  'certificate.renewed': 'A certificate was renewed; the new one is served.',
  'certificate.failed': 'A certificate could not be had; it is tried again.',
  'certificate.expiring': 'A certificate ends soon and has not been renewed.',
  'certificate.revoked': 'A certificate was revoked and is not served any more.',
  'certificate.ca_rejected':
    'A file with authorities of client certificates cannot be used; its last good form, if any, stays in force.',
  'app.created': 'An app was made through the API.',
  'app.stopped': 'An app was stopped by a person or a program.',
  'app.started': 'An app that was stopped was started again.',
  'app.removed': 'An app was removed with all its sets.',
  'set.changed': 'Routes or policy of a set were changed through the API, without a deployment.',
  'set.resized': 'The limits of a set were changed while its containers run.',
  'set.traffic': 'The weights of the revisions of a set were changed by a person or a program.',
  'image.pulling': 'An image is being pulled for a set.',
  'image.pulled': 'An image that was pulled for a set is there.',
  'image.failed': 'An image could not be pulled for a set.',
  'deployment.started': 'A deployment began to move a set to another revision.',
  'deployment.succeeded': 'A deployment came to its end; the new revision is in force.',
  'deployment.ended': 'A deployment failed, was canceled, rolled back or superseded; what was before is in force.',
  'volume.given_up':
    'A person let a set begin anew without the data on a host that is gone, or has lost it; what is on that host stays there.',
  'volume.returned':
    'A host where a volume was given up answers and still has it: it is neither used nor removed. Replicas that were left there with it are removed.',
  'set.dependency': 'A dependency of a set cannot be followed.',
} as const satisfies Record<string, string>;

export type EventType = keyof typeof EVENT_TYPES;

/** What a keeper reports. Names are null where they do not apply. */
export interface EventDraft {
  readonly type: EventType;
  readonly tenant?: string | null;
  readonly app?: string | null;
  readonly set?: string | null;
  /** `<host>/<container id>`. */
  readonly replica?: string | null;
  readonly host?: string | null;
  /** Why, in words for an operator. */
  readonly cause: string;
  /** Facts for programs. */
  readonly data?: Readonly<Record<string, unknown>>;
  /** Ties together the events of one wake, one deployment…; null: stands alone. */
  readonly correlationId?: string | null;
}

/** An event as it was kept. */
export interface Event {
  /** `evt_<ulid>`; sorts by age. */
  readonly id: string;
  /** RFC 3339. */
  readonly at: string;
  readonly type: EventType;
  readonly tenant: string | null;
  readonly app: string | null;
  readonly set: string | null;
  readonly replica: string | null;
  readonly host: string | null;
  readonly cause: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly correlationId: string | null;
}

/** Takes what happened. Never throws and never waits. */
export type EventSink = (draft: EventDraft) => void;
