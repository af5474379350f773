import { expect } from 'chai';
import { VirtualWorld } from '../../../../core/base/index.js';
import {
  INJECTED_CLOSE_MS,
  Injector,
  LOG,
  type Token,
  checkProvided,
  inject,
  provide,
  token,
} from '../../../../sdk/framework/index.js';

function failure(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).to.have.property('code', 'INVALID_FRAMEWORK');
    return (error as Error).message;
  }
  throw new Error('it did not throw');
}

/** A world that keeps its warnings. */
function worldWithLog(): { readonly world: VirtualWorld; readonly warnings: unknown[] } {
  const warnings: unknown[] = [];
  const world = new VirtualWorld({ seed: 'injection' });
  const warn = (_message: string, fields?: object): void => void warnings.push(fields);
  return { world: Object.assign(world, { log: { ...world.log, warn } }), warnings };
}

const GREETING = token<string>('greeting');
const PERSON = token<string>('person', { make: () => 'world' });

class Greeter {
  readonly greeting = inject(GREETING);
  constructor(readonly person = inject(PERSON)) {}
}

describe('inject', () => {
  it('finds what is provided in parameters and fields, and else what the token makes', () => {
    const injector = new Injector([provide(GREETING, { value: 'hello' })]);
    const made = injector.run('Greeter', () => new Greeter());
    expect(made).to.include({ greeting: 'hello', person: 'world' });
    const other = new Injector([
      provide(GREETING, { value: 'hello' }),
      provide(PERSON, { value: 'moon' }),
    ]);
    expect(other.run('Greeter', () => new Greeter()).person).to.equal('moon');
    expect(other.run('Greeter', () => new Greeter('you')).person).to.equal('you');
  });

  it('makes each thing once, and those that it needs before', () => {
    const order: string[] = [];
    const base = token<object>('base', { make: () => ({ made: order.push('base') }) });
    const left = token('left', { make: () => ({ base: inject(base), made: order.push('left') }) });
    const right = token<object>('right');
    const makeRight = (): object => ({ base: inject(base), made: order.push('right') });
    const injector = new Injector([provide(right, { make: makeRight })]);
    injector.run('X', () => expect(inject(left).base).to.equal(inject(base)));
    injector.run('Y', () => expect(inject(right)).to.equal(inject(right)));
    expect(order).to.deep.equal(['base', 'left', 'right']);
  });

  it('provides undefined, and things that were provided last', () => {
    const maybe = token<string | undefined>('maybe', { make: () => 'made' });
    const injector = new Injector([
      provide(maybe, { value: 'first' }),
      provide(maybe, { value: undefined }),
    ]);
    expect(injector.get(maybe)).to.equal(undefined);
  });

  it('gives the default outside of any making, a new one each time', () => {
    const list = token<object>('list', { make: () => [] });
    expect(inject(list)).to.deep.equal([]);
    expect(inject(list)).to.not.equal(inject(list));
    expect(() => inject(LOG).info('nobody hears it')).to.not.throw();
  });

  it('names the token, who needs it, and what to do, when nobody provides it', () => {
    const text = failure(() => new Injector([]).run('Greeter', () => new Greeter()));
    expect(text).to.match(/^Greeter needs 'greeting', and nobody provides it: add provide\(…\)/);
    const outer = token('outer', { make: () => inject(GREETING) });
    expect(failure(() => new Injector([]).run('X', () => inject(outer)))).to.contain(
      "outer needs 'greeting'",
    );
    expect(failure(() => new Greeter())).to.match(
      /^inject\(…\) of 'greeting' was called while no framework makes anything/,
    );
  });

  it('says so when a token of the same name is provided, but another one', () => {
    const injector = new Injector([provide(token<string>('greeting'), { value: 'hello' })]);
    expect(failure(() => injector.run('X', () => inject(GREETING)))).to.contain(
      'Another token of that name is provided',
    );
  });

  it('prints the path of a cycle, inside and outside of a making', () => {
    const a: Token<string> = token<string>('A', { make: () => `a${inject(b)}` });
    const b: Token<string> = token<string>('B', { make: () => `b${inject(a)}` });
    const start = token<string>('start', { make: () => inject(a) });
    const expected = 'What is injected needs itself: A -> B -> A. ';
    expect(failure(() => new Injector([]).run('X', () => inject(start)))).to.contain(expected);
    expect(failure(() => inject(a))).to.contain(expected);
    const cut = new Injector([provide(b, { value: '!' })]);
    expect(cut.run('X', () => inject(start))).to.equal('a!');
  });

  it('leaves nothing behind when making throws', () => {
    const injector = new Injector([provide(GREETING, { value: 'hello' })]);
    const broken = (): never => {
      throw new Error('broken');
    };
    expect(() => injector.run('X', broken)).to.throw('broken');
    expect(failure(() => inject(GREETING))).to.contain('no framework makes anything');
    const flaky = token<string>('flaky', { make: broken });
    for (const name of ['X', 'Y']) {
      expect(() => injector.run(name, () => inject(flaky))).to.throw('broken');
    }
  });

  it('keeps those who make things inside of each other apart', () => {
    const inner = new Injector([provide(GREETING, { value: 'inner' })]);
    const outer = new Injector([provide(GREETING, { value: 'outer' })]);
    outer.run('X', () => {
      expect(inner.run('Y', () => inject(GREETING))).to.equal('inner');
      expect(inject(GREETING)).to.equal('outer');
    });
  });
});

describe('What was injected', () => {
  it('is closed in reverse order, each thing once, and never what was given', async () => {
    const { world, warnings } = worldWithLog();
    const closed: string[] = [];
    const one = token<object>('one', {
      make: () => ({
        [Symbol.asyncDispose]: async () => {
          await Promise.resolve();
          closed.push('one');
        },
        close: () => closed.push('wrong'),
      }),
    });
    const two = token('two', {
      make: () => ({ one: inject(one), close: () => void closed.push('two') }),
    });
    const sameAsOne = token('same', { make: () => inject(one) });
    const given = token<object>('given');
    const sameAsGiven = token('same as given', { make: () => inject(given) });
    const injector = new Injector([
      provide(given, { value: { close: () => closed.push('given') } }),
    ]);
    injector.run('X', () => [two, sameAsOne, sameAsGiven].map((each) => inject<object>(each)));
    await injector.close(world);
    expect(closed).to.deep.equal(['two', 'one']);
    await injector.close(world);
    expect(closed).to.have.length(2);
    expect(warnings).to.deep.equal([]);
  });

  it('is closed although others fail or hang, and that is logged', async () => {
    const { world, warnings } = worldWithLog();
    const closed: string[] = [];
    const make = (dispose: () => unknown): Token<object> =>
      token<object>('thing', { make: () => ({ dispose }) });
    const things = [
      make(() => closed.push('first')),
      make(() => new Promise(() => {})),
      make(() => {
        throw new Error('no');
      }),
      make(() => Promise.reject(new Error('late'))),
    ];
    const injector = new Injector([]);
    injector.run('X', () => things.map((each) => inject(each)));
    const closing = injector.close(world);
    await world.advance(INJECTED_CLOSE_MS - 1);
    expect(closed).to.deep.equal([]);
    await world.advance(1);
    await closing;
    expect(closed).to.deep.equal(['first']);
    expect(warnings).to.deep.equal([
      { error: 'late' },
      { error: 'no' },
      { error: 'it takes longer than 10 s' },
    ]);
    expect(world.clock.pendingTimers).to.equal(0);
  });

  it('may be a promise: what it becomes is closed, and a refusal is nobody’s crash', async () => {
    const { world, warnings } = worldWithLog();
    const closed: string[] = [];
    const later = token('later', {
      make: async () => ({ close: () => void closed.push('later') }),
    });
    const never = token<Promise<object>>('never', {
      make: () => Promise.reject(new Error('refused')),
    });
    const injector = new Injector([]);
    injector.run('X', () => ({ later: inject(later), never: inject(never) }));
    await injector.close(world);
    expect(closed).to.deep.equal(['later']);
    expect(warnings).to.deep.equal([{ error: 'refused' }]);
  });
});

describe('checkProvided', () => {
  it('takes lists of what provide gives, for classes and functions', () => {
    const list = [provide(GREETING, { value: 'hello' })];
    expect(() => checkProvided(Greeter, list)).to.not.throw();
    expect(() => checkProvided(() => ({}), list)).to.not.throw();
    expect(() => checkProvided({}, [])).to.not.throw();
    expect(failure(() => checkProvided({}, list))).to.contain('it is made already');
    for (const wrong of [list[0], [GREETING], 'x', [undefined]]) {
      expect(failure(() => checkProvided(Greeter, wrong))).to.contain('has to be a list');
    }
  });
});
