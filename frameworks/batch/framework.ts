/** The batch scheduler as a framework: thin, all that it decides is the engine's. */
import {
  type Context,
  type Decision,
  Framework,
  MemoryRepository,
  OnOffers,
  OnStart,
  OnStatus,
  type Offers,
  type Repository,
  Stored,
  type TaskUpdate,
  refuse,
} from '../../sdk/index.js';
import type { AgentRecord } from './agent-book.js';
import { BatchEngine } from './batch-engine.js';
import type { JobRecord } from './job-record.js';
import type { ChunkRecord } from './stored-state.js';

@Framework({ name: 'batch', roles: ['batch'] })
export class Batch {
  @Stored('jobs') readonly jobs: Repository<JobRecord> = new MemoryRepository();
  @Stored('chunks') readonly chunks: Repository<ChunkRecord> = new MemoryRepository();
  @Stored('agents') readonly agents: Repository<AgentRecord> = new MemoryRepository();
  @Stored('counters') readonly counters: Repository<number> = new MemoryRepository();
  #engine: BatchEngine | undefined;

  /** @throws RequestRefused 503 before the start. */
  get engine(): BatchEngine {
    if (this.#engine !== undefined) return this.#engine;
    throw refuse(503, 'the batch scheduler is reading its state: ask again in a moment');
  }

  @OnStart() start(context: Context): Decision {
    this.#engine = new BatchEngine(this, context);
    return this.engine.started();
  }

  @OnOffers() place(offers: Offers, context: Context): Decision {
    return this.engine.place(offers, context);
  }

  @OnStatus() update(update: TaskUpdate, context: Context): Decision {
    return this.engine.taskUpdated(update, context);
  }
}
