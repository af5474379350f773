import { expect } from 'chai';
import { PlateauError } from '../../../../core/base/index.js';
import {
  Daemon,
  Every,
  Framework,
  MemoryRepository,
  OnError,
  OnLost,
  OnOffers,
  OnStart,
  OnStatus,
  type Repository,
  Stored,
  isFrameworkClass,
  readFramework,
} from '../../../../sdk/framework/index.js';

/** The decorators without their types, as JavaScript and wrong casts reach them. */
function loose(
  decorator: unknown,
): (target: object, key: PropertyKey, descriptor?: unknown) => void {
  return decorator as never;
}

function messageOf(target: object): string {
  try {
    readFramework(target);
  } catch (error) {
    expect(error).to.be.instanceOf(PlateauError).with.property('code', 'INVALID_FRAMEWORK');
    return (error as Error).message;
  }
  throw new Error('it was accepted');
}

/** A framework class with these options and a handler of offers. */
function withOptions(options: object): object {
  @Framework(options as never)
  class Example {
    @OnOffers() place(): void {}
  }
  return Example;
}

describe('readFramework', () => {
  it('fills defaults in', () => {
    const { settings, handlers, stored } = readFramework(withOptions({ name: 'a' }));
    expect(settings).to.deep.include({
      name: 'a',
      roles: ['*'],
      user: 'root',
      labels: {},
      failoverTimeoutMs: 7 * 86_400_000,
      reconcileEveryMs: 600_000,
      unmatchedForMs: 30_000,
      notReadyForMs: 5_000,
      revocable: false,
      gpus: false,
      regionAware: false,
      onRemoved: 'exit',
    });
    expect(handlers).to.have.length(1);
    expect(handlers[0]).to.include({
      kind: 'offers',
      method: 'place',
      onError: 'crash',
      retries: 10,
      backoffMs: 1000,
      timeoutMs: 60_000,
    });
    expect(stored).to.deep.equal([]);
  });

  it('takes the user and other options from whoever runs the framework', () => {
    const options = { user: 'ann', overrides: { name: 'b', failoverTimeout: '2h' } };
    const { settings } = readFramework(withOptions({ name: 'a', user: undefined }), options);
    expect(settings).to.include({ user: 'ann', name: 'b', failoverTimeoutMs: 7_200_000 });
    expect(readFramework(withOptions({ name: 'a', user: 'eve' }), options).settings.user).to.equal(
      'eve',
    );
  });

  it('reads states, filters and options of status handlers', () => {
    @Framework({ name: 'a' })
    class Example {
      @OnOffers() place(): void {}
      @OnStatus() all(): void {}
      @OnStatus('FAILED', 'KILLED', { onError: 'retry', retries: 2, backoff: '5s' }) some(): void {}
      @OnStatus({ states: ['RUNNING'], task: /^web/, timeout: 50 }) filtered(): void {}
    }
    const [, all, some, filtered] = readFramework(Example).handlers;
    expect(all?.filter).to.deep.equal({});
    expect(some).to.deep.include({ onError: 'retry', retries: 2, backoffMs: 5000 });
    expect(some?.filter).to.deep.equal({ states: ['FAILED', 'KILLED'] });
    expect(filtered?.filter).to.deep.equal({ states: ['RUNNING'], task: /^web/ });
    expect(filtered?.timeoutMs).to.equal(50);
  });

  it('reads stored fields and intervals, of an instance as well', () => {
    const migrate = (old: unknown): unknown => old;
    @Framework({ name: 'a' })
    class Example {
      @Stored('jobs', { version: 2, migrations: { 1: migrate } })
      jobs: Repository<string> = new MemoryRepository();
      @OnOffers() place(): void {}
      @Every('30s') tick(): void {}
      @OnStart() start(): void {}
    }
    const { handlers, stored } = readFramework(new Example());
    expect(stored).to.have.length(1);
    expect(stored[0]).to.deep.include({ property: 'jobs', name: 'jobs', version: 2 });
    expect(stored[0]?.migrations[1]).to.equal(migrate);
    expect(handlers.map(({ kind, everyMs }) => [kind, everyMs])).to.deep.equal([
      ['offers', undefined],
      ['every', 30_000],
      ['start', undefined],
    ]);
  });

  it('reads daemons, which have no time limit', () => {
    @Framework({ name: 'a' })
    class Example {
      @OnOffers() place(): void {}
      @Daemon() async plain(): Promise<void> {}
      @Daemon({ onError: 'retry', retries: 3, backoff: '5s' }) async watch(): Promise<void> {}
    }
    const [, plain, watch] = readFramework(Example).handlers;
    const timeoutMs = Infinity;
    expect(plain).to.include({ kind: 'daemon', onError: 'crash', retries: 10, timeoutMs });
    expect(watch).to.include({ onError: 'retry', retries: 3, backoffMs: 5_000, timeoutMs });
    @Framework({ name: 'a' })
    class Wrong {
      @OnOffers() place(): void {}
      @Daemon({ timeout: '1m' } as never) async watch(): Promise<void> {}
    }
    expect(() => readFramework(Wrong)).to.throw(
      "Wrong.watch: @Daemon: option 'timeout' is not known here; known are onError, retries, backoff",
    );
  });

  it('calls the method that the instance has, with this and arguments', () => {
    @Framework({ name: 'a' })
    class Example {
      said: unknown[] = [];
      @OnOffers() place(...given: unknown[]): void {
        this.said.push(...given);
      }
    }
    const example = new Example();
    readFramework(example).handlers[0]?.invoke(example, ['offers', 'context']);
    expect(example.said).to.deep.equal(['offers', 'context']);
  });

  describe('of a class that extends another one', () => {
    @Framework({ name: 'parent' })
    class Parent {
      @Stored('jobs') jobs: Repository<string> = new MemoryRepository();
      called = '';
      @OnOffers() place(): void {
        this.called = 'parent';
      }
      @OnStatus('FAILED') failed(): void {}
      @OnLost() lost(): void {}
    }

    it('counts what the parent declares once', () => {
      class Child extends Parent {}
      expect(isFrameworkClass(Child)).to.equal(true);
      const { handlers, stored, settings } = readFramework(Child);
      expect(handlers.map(({ method }) => method)).to.deep.equal(['place', 'failed', 'lost']);
      expect(stored).to.have.length(1);
      expect(settings.name).to.equal('parent');
      expect(readFramework(Parent).handlers).to.have.length(3);
    });

    it('calls an overriding method under the declaration of the parent', () => {
      class Child extends Parent {
        override place(): void {
          this.called = 'child';
        }
      }
      const [place] = readFramework(Child).handlers;
      for (const instance of [new Child(), new Parent()]) {
        place?.invoke(instance, []);
        expect(instance.called).to.equal(instance instanceof Child ? 'child' : 'parent');
      }
    });

    it('replaces the declaration of a method that declares again', () => {
      @Framework({ name: 'child' })
      class Child extends Parent {
        @OnOffers({ onError: 'skip' }) override place(): void {}
        @OnStatus('KILLED') override failed(): void {}
      }
      const { handlers, settings } = readFramework(Child);
      expect(settings.name).to.equal('child');
      expect(handlers.filter(({ kind }) => kind === 'offers')).to.have.length(1);
      expect(handlers.find(({ kind }) => kind === 'offers')?.onError).to.equal('skip');
      expect(handlers.find(({ method }) => method === 'failed')?.filter).to.deep.equal({
        states: ['KILLED'],
      });
      expect(readFramework(Parent).handlers[0]?.onError).to.equal('crash');
    });
  });

  describe('refuses', () => {
    it('a class without @Framework', () => {
      class Plain {
        readonly size = 1;
      }
      expect(messageOf(Plain)).to.equal(
        "The framework Plain is not valid: the class has no @Framework: put @Framework({ name: '…' }) " +
          "before 'class Plain'.",
      );
      expect(messageOf(new Plain())).to.contain('Plain is not valid');
      expect(isFrameworkClass(Plain)).to.equal(false);
    });

    it('a class without @OnOffers, and one with two', () => {
      @Framework({ name: 'none' })
      class None {
        readonly size = 1;
      }
      expect(messageOf(None)).to.contain('None has no @OnOffers: add a method');
      @Framework({ name: 'two' })
      class Two {
        @OnOffers() one(): void {}
        @OnOffers() other(): void {}
      }
      expect(messageOf(Two)).to.contain('Two has 2 methods with @OnOffers (one, other)');
    });

    it('a decorator that stands twice on a method', () => {
      @Framework({ name: 'a' })
      class Example {
        @OnOffers() @OnOffers() place(): void {}
        @Every('1s') @Every('2s') tick(): void {}
      }
      expect(messageOf(Example)).to.contain('Example.place: @OnOffers stands twice');
      expect(messageOf(Example)).to.contain('Example.tick: @Every stands twice');
    });

    it('handlers on static methods, fields and accessors', () => {
      class Example {
        static ofClass(): void {}
        field = 1;
        get accessor(): number {
          return 1;
        }
        place(): void {}
      }
      const { prototype } = Example;
      const descriptor = (key: string, of: object = prototype): unknown =>
        Object.getOwnPropertyDescriptor(of, key);
      loose(OnOffers())(prototype, 'place', descriptor('place'));
      loose(OnLost())(Example, 'ofClass', descriptor('ofClass', Example));
      loose(OnStart())(prototype, 'field', undefined);
      loose(OnError())(prototype, 'accessor', descriptor('accessor'));
      Framework({ name: 'a' })(Example);
      const message = messageOf(Example);
      expect(message).to.contain('Example.ofClass: @OnLost is on a static method; ');
      expect(message).to.contain("remove 'static'");
      expect(message).to.contain('Example.field: @OnStart is on a field: put it on a method');
      expect(message).to.contain('Example.accessor: @OnError is on an accessor');
    });

    it('two stored fields of one name, and bad names, versions and migrations', () => {
      @Framework({ name: 'a' })
      class Example {
        @OnOffers() place(): void {}
        @Stored('x') one: Repository<string> = new MemoryRepository();
        @Stored('x') other: Repository<string> = new MemoryRepository();
        @Stored('a/b') slash: Repository<string> = new MemoryRepository();
        @Stored('y', { version: 0 }) version: Repository<string> = new MemoryRepository();
        @Stored('z', { version: 2, migrations: { 2: String } })
        migrations: Repository<string> = new MemoryRepository();
      }
      const message = messageOf(Example);
      expect(message).to.contain("Example: the fields one and other are both @Stored('x')");
      expect(message).to.contain("Example.slash: @Stored: 'name' must be letters");
      expect(message).to.contain("Example.version: @Stored: 'version' must be at least 1");
      expect(message).to.contain("Example.migrations: @Stored: migration '2' leads to no version");
    });

    it('times that would keep the framework busy, and options that are none', () => {
      @Framework({ name: ' ', reconcileEvery: '1ms' })
      class Busy {
        @OnOffers({ timeout: 0 }) place(): void {}
        @OnLost('FAILED' as never) lost(): void {}
      }
      const message = messageOf(Busy);
      expect(message).to.contain("option 'name' of @Framework is required");
      expect(message).to.match(/'reconcileEvery' of @Framework .*, 1000 ms at least/);
      expect(message).to.match(/Busy.place: @OnOffers: option 'timeout' .*, 1 ms at least/);
      expect(message).to.contain('Busy.lost: @OnLost: its options must be an object');
    });

    it('unknown states, policies, intervals and options of handlers', () => {
      @Framework({ name: 'a' })
      class Example {
        @OnOffers({ onError: 'ignore' } as never) place(): void {}
        @OnStatus('RUNING' as never) status(): void {}
        @OnStatus({ task: 3 } as never) task(): void {}
        @Every('soon' as never) tick(): void {}
        @Every(0) busy(): void {}
        @OnStart({ retrys: 3, timeout: '-1s' } as never) start(): void {}
      }
      const message = messageOf(Example);
      expect(message).to.contain(
        "Example.place: @OnOffers: option 'onError' must be 'crash', 'retry' or 'skip'",
      );
      expect(message).to.contain(
        "Example.status: @OnStatus: option 'states' must be states of tasks without 'TASK_', not 'RUNING'",
      );
      expect(message).to.contain(
        "Example.task: @OnStatus: option 'task' must be the name of tasks",
      );
      expect(message).to.contain(
        "Example.tick: @Every: the interval 'soon' is not a length of time",
      );
      expect(message).to.contain('Example.busy: @Every: the interval must be at least 10 ms');
      expect(message).to.contain(
        "Example.start: @OnStart: option 'retrys' is not known here; known are",
      );
      expect(message).to.contain(
        "Example.start: @OnStart: option 'timeout' must be a length of time",
      );
    });

    const options: Readonly<Record<string, readonly [options: object, message: string]>> = {
      'no name': [{}, "option 'name' of @Framework is required: the name that operators see"],
      'a name that is no text': [{ name: 3 }, "option 'name' of @Framework must be a text"],
      'no roles': [{ name: 'a', roles: [] }, "'roles' of @Framework must not be empty"],
      'a bad role': [
        { name: 'a', roles: ['a b'] },
        "'roles' of @Framework must be names of roles: Role",
      ],
      'a bad duration': [
        { name: 'a', failoverTimeout: 'long' },
        "'failoverTimeout' of @Framework must be a length of time such as '90s'",
      ],
      'an unknown option': [
        { name: 'a', rolles: ['x'] },
        "'rolles' of @Framework is not known here; known are name, ",
      ],
      'labels that are no texts': [
        { name: 'a', labels: { x: 1 } },
        "'labels' of @Framework must have texts as values",
      ],
      'an unknown choice': [{ name: 'a', onRemoved: 'cry' }, "must be 'exit' or 'reregister'"],
      'a flag that is no boolean': [
        { name: 'a', gpus: 'yes' },
        "'gpus' of @Framework must be true or false",
      ],
    };
    for (const [what, [given, message]] of Object.entries(options)) {
      it(`options with ${what}`, () => expect(messageOf(withOptions(given))).to.contain(message));
    }

    it('several mistakes at once, each on a line of its own', () => {
      const message = messageOf(withOptions({ name: '', notReadyFor: null, gpus: 0 }));
      expect(message.split('\n')).to.have.length(4);
    });

    it('modules that were compiled with standard decorators, at once', () => {
      const context = { kind: 'method', name: 'place' };
      expect(() => loose(OnOffers())(() => {}, context as never)).to.throw(
        'experimentalDecorators',
      );
      expect(() =>
        Reflect.apply(Framework({ name: 'a' }), undefined, [Object, { kind: 'class', name: 'X' }]),
      ).to.throw('experimentalDecorators');
    });
  });
});
