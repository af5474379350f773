/**
 * What `plateau framework doctor` knows of a framework: what the master says, what the framework says of
 * itself, and what lies in its store. Plain data, so that findings are a function of them.
 */
import type { Want } from '../../decisions/index.js';
import type { DaemonView, Explanation, RetryingView } from '../../runtime/index.js';
import type { StateReport } from '../check-state.js';

/** Who is asked after: by what was named, and by what the store says. */
export interface Asked {
  /** Name or id; undefined: the only framework there is. */
  readonly word: string | undefined;
  /** The id in the store, if one was named and holds one. */
  readonly storedId: string | undefined;
}

/** A framework as the master lists it. */
export interface FrameworkFacts {
  readonly id: string;
  readonly name: string;
  /** `recovered`: it has not subscribed since this master leads. */
  readonly state: 'connected' | 'disconnected' | 'recovered' | 'removed';
  /** Where its admin interface should be, without a slash at the end. */
  readonly url: string | undefined;
  readonly failoverTimeoutMs: number;
  /** Wall time of the last subscription, in milliseconds since 1970, as the others. */
  readonly subscribedMs: number | undefined;
  readonly removedMs: number | undefined;
}

/** Agents by what becomes of them. */
export interface AgentFacts {
  readonly registered: number;
  /** Of those, the ones whose resources are offered. */
  readonly active: number;
  /** Of those, the ones that are drained, or deactivated by an operator. */
  readonly deactivated: number;
  /** Not registered any more: they have not answered for long. */
  readonly unreachable: number;
}

export type MasterFacts =
  | { readonly kind: 'silent'; readonly problem: string }
  | {
      readonly kind: 'answers';
      readonly frameworks: readonly FrameworkFacts[];
      readonly agents: AgentFacts;
    };

/** Which of the frameworks is meant. */
export type Choice =
  | {
      readonly kind: 'one';
      readonly framework: FrameworkFacts;
      /** Of the same name, not connected and not removed. */
      readonly namesakes: readonly FrameworkFacts[];
    }
  /** Several of the name are connected. */
  | { readonly kind: 'several'; readonly frameworks: readonly FrameworkFacts[] }
  | { readonly kind: 'none' };

/** What the doctor reads of the page `/plateau/v1/why`. */
export interface WhyFacts {
  readonly suppressedRoles: readonly string[];
  readonly outstandingOffers: number;
  readonly roles: readonly {
    readonly role: string;
    readonly reasons: readonly {
      readonly reason: string;
      readonly meaning: string;
      readonly agents: number;
      /** What would have to change. */
      readonly change: string;
    }[];
    /** The newest first. */
    readonly decisions: readonly { readonly kind: string; readonly agoMs: number }[];
  }[];
}

/** A task that was asked to end and has not. */
export interface OpenKill {
  readonly taskId: string;
  readonly name: string;
  readonly hostname: string;
  readonly askedMs: number;
  /** How long it may take, in milliseconds. */
  readonly graceMs: number;
}

/** What the framework says of itself over its admin interface. */
export interface RuntimeFacts {
  readonly kind: 'answers';
  readonly url: string;
  readonly connection: string;
  readonly isPaused: boolean;
  /** Undefined: it has not said what it wants. */
  readonly wants: readonly Want[] | undefined;
  readonly waiting: readonly Explanation[];
  readonly heldOffers: number;
  readonly unreconciled: number;
  /** Events that wait for their turn. */
  readonly queued: number;
  readonly kills: readonly OpenKill[];
  readonly retrying: readonly RetryingView[];
  readonly daemons: readonly DaemonView[];
}

export type AdminFacts =
  | { readonly kind: 'none' }
  | { readonly kind: 'silent'; readonly url: string; readonly problem: string }
  /** Something answers that is not the admin interface of a framework. */
  | { readonly kind: 'foreign'; readonly url: string }
  /** A copy answers that stands by, and no copy is active. */
  | { readonly kind: 'standby'; readonly url: string }
  | RuntimeFacts;

export interface StoreFacts {
  readonly url: string;
  /** Why it cannot be read. */
  readonly problem: string | undefined;
  readonly frameworkId: string | undefined;
  /** The copy that holds the lease beside it; whether its process still runs. */
  readonly holder: { readonly info: string; readonly isRunning: boolean } | undefined;
  /** What the code would find in it, when the code was named. */
  readonly report: StateReport | undefined;
}

export interface DoctorFacts {
  /** Wall time of the look. */
  readonly nowMs: number;
  readonly asked: Asked;
  readonly master: MasterFacts;
  readonly choice: Choice;
  /** Undefined: no framework was chosen, or the master does not tell. */
  readonly why: WhyFacts | undefined;
  /** Undefined: no framework was chosen, or it is not connected. */
  readonly admin: AdminFacts | undefined;
  /** Undefined: none was named. */
  readonly store: StoreFacts | undefined;
}
