/** The pages of concepts, critiques and troubleshooting: what they name is there, what they count is so. */
import { readdirSync } from 'node:fs';
import { expect } from 'chai';
import { AGENT_DEFAULTS } from '../../../core/agent/index.js';
import { DEFAULT_ALLOCATOR_CONFIG, WHY_REASONS } from '../../../core/allocator/index.js';
import { ERROR_CODES } from '../../../core/base/index.js';
import { MAX_MISSED_HEARTBEATS } from '../../../core/client/index.js';
import { DEFAULT_MASTER_CONFIG } from '../../../core/master/index.js';
import { TASK_STATES } from '../../../sdk/framework/index.js';
import { Framework, OnOffers, readFramework } from '../../../sdk/index.js';
import { REFUSALS } from '../../../sdk/matching/index.js';
import {
  DECLINE_JITTER,
  DEMAND_REPEAT_MS,
  EVALUATE_DEBOUNCE_MS,
  MAX_HOLD_MS,
  MAX_RECONCILED_PER_CALL,
  RECONCILE_BASE_MS,
  RECONCILE_MAX_MS,
  UNWANTED_MS,
} from '../../../sdk/runtime/index.js';
import { repositoryFile } from '../../checks/reference.js';
import { brokenLinks, isTest, read, sourceLinks } from '../../checks/links.js';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

const CONCEPTS = readdirSync(repositoryFile('docs/concepts')).map(
  (name) => `docs/concepts/${name}`,
);
const PAGES = [...CONCEPTS, 'docs/README.md', 'docs/critiques.md', 'docs/sdk/troubleshooting.md'];
const TROUBLESHOOTING = 'docs/sdk/troubleshooting.md';

@Framework({ name: 'defaults' })
class Defaults {
  @OnOffers() place(): void {}
}

/** Words of a page with a number in them, the number in the code, and what it has to be for the words to hold. */
function facts(): readonly (readonly [string, string, number, number])[] {
  const master = DEFAULT_MASTER_CONFIG;
  const allocator = DEFAULT_ALLOCATOR_CONFIG;
  const { settings } = readFramework(Defaults);
  const unreachableMs = master.agentPingTimeoutMs * master.maxAgentPingTimeouts;
  return [
    ['offers', 'nobody answered for five minutes', master.offerTimeoutMs, 5 * MINUTE_MS],
    ['offers', 'makes offers each second', allocator.allocationIntervalMs, SECOND_MS],
    ['offers', 'an hour at most', MAX_HOLD_MS, HOUR_MS],
    ['filters', '5 s when no time is stated', allocator.defaultFilterMs, 5 * SECOND_MS],
    ['filters', 'a year at most', allocator.maxFilterMs, 365 * 24 * HOUR_MS],
    ['filters', 'declined for an hour', UNWANTED_MS, HOUR_MS],
    ['filters', '`unmatchedFor`, 30 s unless stated', settings.unmatchedForMs, 30 * SECOND_MS],
    ['filters', '`notReadyFor`, 5 s unless stated', settings.notReadyForMs, 5 * SECOND_MS],
    ['filters', 'up to a tenth longer', DECLINE_JITTER, 0.1],
    ['filters', 'once more after 30 s', DEMAND_REPEAT_MS, 30 * SECOND_MS],
    ['task-states', 'not answered for 75 s', unreachableMs, 75 * SECOND_MS],
    ['task-states', 'five unanswered pings, 15 s apart', master.agentPingTimeoutMs, 15 * SECOND_MS],
    ['task-states', 'after 10 s, then twice that', AGENT_DEFAULTS.statusRetryMinMs, 10 * SECOND_MS],
    ['task-states', 'up to 10 minutes', AGENT_DEFAULTS.statusRetryMaxMs, 10 * MINUTE_MS],
    ['reconciliation', 'They have ten\nminutes', master.agentReregisterTimeoutMs, 10 * MINUTE_MS],
    ['reconciliation', 'a thousand at a time', MAX_RECONCILED_PER_CALL, 1000],
    ['reconciliation', 'again after 5 s', RECONCILE_BASE_MS, 5 * SECOND_MS],
    ['reconciliation', 'doubling up to a minute', RECONCILE_MAX_MS, MINUTE_MS],
    ['reconciliation', 'implicitly every 10 minutes', settings.reconcileEveryMs, 10 * MINUTE_MS],
    [
      '../critiques',
      'time out](concepts/offers.md) after five minutes',
      master.offerTimeoutMs,
      5 * MINUTE_MS,
    ],
    ['../critiques', 'holds nothing longer than an hour', MAX_HOLD_MS, HOUR_MS],
    ['../critiques', 'Changes of 20 ms are gathered', EVALUATE_DEBOUNCE_MS, 20],
    ['../sdk/troubleshooting', 'after five missed heartbeats', MAX_MISSED_HEARTBEATS, 5],
    [
      '../sdk/troubleshooting',
      'the default is a week',
      settings.failoverTimeoutMs,
      7 * 24 * HOUR_MS,
    ],
  ];
}

describe('The pages of concepts', () => {
  for (const [page, words, found, expected] of facts()) {
    it(`of ${page} say "${words.replace('\n', ' ')}", and it is so`, () => {
      expect(read(`docs/concepts/${page}.md`)).to.include(words);
      expect(found).to.equal(expected);
    });
  }

  for (const page of CONCEPTS.filter((name) => !name.endsWith('README.md'))) {
    it(`${page} says who does what, what goes wrong by hand, what to remember, and shows a picture`, () => {
      const text = read(page);
      for (const heading of ['Who does what', 'What goes wrong by hand', 'To remember']) {
        expect(text).to.match(new RegExp(`^## ${heading}$`, 'm'));
      }
      expect(text.match(/^```text$/gm)).to.have.length(1);
      for (const who of ['master', 'SDK', 'your handler']) expect(text).to.contain(`\n| ${who} |`);
      expect(text).to.match(/^More: \[/m);
      expect(text.split('\n').length, 'lines').to.be.below(90);
      const name = page.slice('docs/concepts/'.length);
      expect(read('docs/concepts/README.md')).to.contain(`](${name})`);
    });
  }

  it('tell of every state that a task may have', () => {
    const rows = [...read('docs/concepts/task-states.md').matchAll(/^\| (`[A-Z_]+`[^|]*)\|/gm)];
    const named = rows.flatMap(([, cell = '']) => [...cell.matchAll(/`([A-Z_]+)`/g)]);
    const states = named.map(([, state = '']) => state);
    expect(states.toSorted()).to.deep.equal([...TASK_STATES].toSorted());
  });
});

describe('The page about troubleshooting', () => {
  const page = read(TROUBLESHOOTING);
  /** What the first cells of a section's rows name in capitals. */
  const named = (from: string, to: string): readonly string[] => {
    const section = page.slice(page.indexOf(from), page.indexOf(to));
    return [...section.matchAll(/^\| ((?:`[A-Z_]+`(?:, )?)+) \|/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`([A-Z_]+)`/g)].map(([, name = '']) => name),
    );
  };

  it('has a remedy for every reason of the matcher', () => {
    const reasons = named('**2. Wanted?**', '**3. Offered?**');
    expect(reasons.toSorted()).to.deep.equal(Object.keys(REFUSALS).toSorted());
  });

  it('names reasons of the allocator and codes of errors that there are', () => {
    const reasons = named('**3. Offered?**', '[All reasons of the allocator]');
    expect(reasons.length).to.be.greaterThan(8);
    expect(reasons.filter((name) => !(name in WHY_REASONS))).to.deep.equal([]);
    const codes = named('## The framework ends', '## What everybody gets wrong');
    expect(codes.length).to.be.greaterThan(8);
    expect(codes.filter((name) => !(name in ERROR_CODES))).to.deep.equal([]);
  });

  it('names tests that are there, at least one for each mistake', () => {
    const section = page.slice(page.indexOf('## What everybody gets wrong'));
    const rows = section.split('\n').filter((line) => /^\| [A-Z"]/.test(line));
    expect(rows.length).to.be.greaterThan(14);
    for (const row of rows) expect(row, row).to.match(/\]\([^)]*\.test\.ts\)/);
    const links = sourceLinks(TROUBLESHOOTING);
    expect(links.length).to.be.greaterThan(20);
    expect(links.filter((link) => !isTest(link))).to.deep.equal([]);
  });

  it('tells of every mistake that a framework of the SDK cannot make', () => {
    const source = read('test/simulation/sdk/hygiene.test.ts');
    const titles = [...source.matchAll(/^ {2}it\('(of [^']+)'/gm)].map(([, title = '']) => title);
    expect(titles.length).to.be.greaterThan(14);
    expect(titles.filter((title) => !page.includes(`["${title}"]`))).to.deep.equal([]);
  });
});

describe('Links of the pages for newcomers', () => {
  for (const page of [...PAGES, 'README.md', 'sdk/README.md']) {
    it(`of ${page} lead to pages and headings that exist`, () => {
      expect(brokenLinks(page)).to.deep.equal([]);
    });
  }

  it('lead from the index to every page there is', () => {
    const index = read('docs/README.md');
    const pages = readdirSync(repositoryFile('docs'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.md') && path !== 'README.md')
      // A page for each decorator: from their overview.
      .filter((path) => !path.startsWith('sdk/decorators/'));
    expect(pages.filter((path) => !index.includes(`](${path})`))).to.deep.equal([]);
  });
});
