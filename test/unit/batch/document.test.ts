import { expect } from 'chai';
import { JobDocument } from '../../../frameworks/batch/index.js';
import { DocumentError, readDocument } from '../../../sdk/documents/index.js';

function read(text: string): JobDocument {
  return readDocument(text, JobDocument, { source: 'job.yaml' });
}

/** The places and beginnings of all problems of a document. */
function problemsOf(text: string): readonly string[] {
  try {
    read(text);
    return [];
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error;
    return error.problems.map(({ path, line, message }) => `${line} ${path}: ${message}`);
  }
}

describe('JobDocument', () => {
  it('has defaults for everything but a name and a command', () => {
    const job = read('name: hello\ntemplate: { command: echo hello }');
    expect(job).to.deep.include({
      name: 'hello',
      priority: 0,
      backoffLimitPerIndex: 3,
      avoidLastAgent: true,
      whenUnreachable: 'replace',
      replaceAfterSeconds: 120,
      ttlSecondsAfterFinished: 604_800,
      suspend: false,
      whenNeverSatisfied: 'fail',
    });
    expect(job.backoff).to.include({ seconds: 5, maxSeconds: 360, factor: 2, jitter: 0.2 });
    expect(job.template).to.include({ cpus: 0.1, memMiB: 32 });
  });

  it('is the same in JSON', () => {
    const json = '{"name": "a", "completions": 3, "template": {"command": ["sh", "-c", "true"]}}';
    const yaml = 'name: a\ncompletions: 3\ntemplate:\n  command: [sh, -c, "true"]\n';
    expect(read(json)).to.deep.equal(read(yaml));
  });

  const bad: readonly (readonly [what: string, text: string, problem: RegExp])[] = [
    ['no template', 'name: a', /template: must be an object with a 'command'/],
    ['a name with blanks', 'name: a b\ntemplate: {command: x}', /^1 name: must be 1 to 63/],
    ['an unknown field', 'name: a\nfoo: 1\ntemplate: {command: x}', /^2 foo: is not known here/],
    ['no command', 'name: a\ntemplate: {cpus: 1}', /^2 template: neither 'command' nor/],
    ['negative cpus', 'name: a\ntemplate:\n  command: x\n  cpus: -1', /^4 template\.cpus: /],
    [
      'a number as a variable',
      'name: a\ntemplate:\n  command: x\n  env:\n    A: 1',
      /^4 template\.env: has 'A', which is no text/,
    ],
    [
      'addresses that are none',
      'name: a\ntemplate:\n  command: x\n  uris: [5]',
      /^4 template\.uris: must list/,
    ],
    ['a number as a label', 'name: a\nlabels: {b: 1}\ntemplate: {command: x}', /^2 labels: has/],
    [
      'both sizes',
      'name: a\ncompletions: 2\nindexes: 0-1\ntemplate: {command: x}',
      /^3 indexes: excludes/,
    ],
    [
      'bad ranges',
      'name: a\nindexes: 5-2\ntemplate: {command: x}',
      /^2 indexes: have '5-2', which ends/,
    ],
    [
      'too many indexes',
      'name: a\nindexes: 0-100000\ntemplate: {command: x}',
      /are more than 100000/,
    ],
    ['no completions', 'name: a\ncompletions: 0\ntemplate: {command: x}', /^2 completions/],
    [
      'a bad constraint',
      "name: a\ntemplate: {command: x, constraints: [['@h', 'IS', 'x']]}",
      /'@h', which is not known/,
    ],
    [
      'template and steps',
      'name: a\ntemplate: {command: x}\nsteps: [{name: s, template: {command: x}}]',
      /^3 steps: exclude 'template'/,
    ],
    [
      'an array beside steps',
      'name: a\ncompletions: 2\nsteps: [{name: s, template: {command: x}}]',
      /steps: exclude 'completions'/,
    ],
    [
      'two steps of a name',
      'name: a\nsteps: [{name: s, template: {command: x}}, {name: s, template: {command: x}}]',
      /two steps named 's'/,
    ],
    [
      'an unknown need',
      'name: a\nsteps: [{name: s, needs: [t], template: {command: x}}]',
      /needs 't', which is no step/,
    ],
    [
      'a circle of needs',
      'name: a\nsteps: [{name: s, needs: [t], template: {command: x}}, {name: t, needs: [s], template: {command: x}}]',
      /in a circle: s, t/,
    ],
    [
      'a bad policy',
      'name: a\nwhenUnreachable: never\ntemplate: {command: x}',
      /^2 whenUnreachable: must be 'replace'/,
    ],
  ];
  for (const [what, text, problem] of bad) {
    it(`refuses ${what}`, () => {
      expect(problemsOf(text).join('\n')).to.match(new RegExp(problem.source, 'm'));
    });
  }

  it('tells everything that is wrong with the needs of steps', () => {
    const step = (name: string, needs: string): string =>
      `  - { name: ${name}, needs: [${needs}], template: { command: x } }\n`;
    const steps = [step('a', 'b'), step('b', 'a'), step('c', 'd'), step('c', '')].join('');
    const problems = problemsOf(`name: a\nsteps:\n${steps}`).join('\n');
    expect(problems).to.include("two steps named 'c'");
    expect(problems).to.include("needs 'd', which is no step");
    expect(problems).to.include('in a circle: a, b');
  });

  it('takes what is null for what is not there', () => {
    const text =
      'name: a\nparallelism:\ncompletions:\nindexes: 0-3\nbackoffLimit:\nactiveDeadlineSeconds:\n' +
      'afterOk:\nlabels:\nsteps:\ntemplate:\n  command: x\n  gpus:\n  env:\n';
    expect(problemsOf(text)).to.deep.equal([]);
  });

  it('tells all problems at once', () => {
    const text = 'name: a b\npriority: high\ntemplate:\n  command: x\n  gpus: 1.5\nfoo: 1\n';
    expect(problemsOf(text).length).to.be.at.least(4);
  });
});
