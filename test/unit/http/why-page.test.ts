import { expect } from 'chai';
import type { WhyQuestion } from '../../../core/master/index.js';
import { ScriptedMaster, Served } from './support.js';

/** Remembers the questions. */
class AskedMaster extends ScriptedMaster {
  readonly questions: (WhyQuestion | undefined)[] = [];

  override why(text: string, question?: WhyQuestion): ReturnType<ScriptedMaster['why']> {
    this.questions.push(question);
    return super.why(text, question);
  }
}

describe('/plateau/v1/why', () => {
  const master = new AskedMaster();
  const served = new Served({}, master);

  before(() => served.listen());
  after(() => served.server.close());

  beforeEach(() => {
    master.questions.length = 0;
  });

  const url = (query: string): string => `${served.url}/plateau/v1/why?${query}`;
  const get = async (query: string): Promise<Response> => await fetch(url(query));
  const post = async (body: string, type = 'application/json'): Promise<Response> =>
    await fetch(url(''), { method: 'POST', headers: { 'Content-Type': type }, body });

  const wanted: WhyQuestion = {
    role: 'r',
    task: {
      resources: { cpus: 1.5, mem: 64, ports: 2, licences: 3 },
      constraints: ['rack=r1', 'os~=linux.*'],
    },
  };

  it('reads a question from a query', async () => {
    const constraints = 'constraints=rack%3Dr1&constraints=os~%3Dlinux.*';
    const query = `framework=known&role=r&cpus=1.5&mem=64&ports=2&resources=licences%3D3&${constraints}`;
    const answer = await get(query);
    expect(answer.status).to.equal(200);
    expect(await answer.json()).to.deep.include({ frameworkId: 'known', task: wanted.task });
    expect(master.questions).to.deep.equal([wanted]);
  });

  it('reads the same from JSON, numbers as texts included, and offer constraints', async () => {
    const body = {
      framework: 'known',
      role: 'r',
      cpus: '1.5',
      mem: 64,
      ports: 2,
      resources: { licences: 3 },
      constraints: ['rack=r1', 'os~=linux.*'],
    };
    expect((await post(JSON.stringify(body))).status).to.equal(200);
    expect(master.questions).to.deep.equal([wanted]);
    const constraints = { groups: [] };
    await post(JSON.stringify({ framework: 'known', constraints }));
    expect(master.questions[1]?.task).to.deep.equal({
      resources: {},
      constraints: ['{"groups":[]}'],
    });
  });

  it('asks about no task when nothing describes one', async () => {
    expect((await get('framework=known&cpus=')).status).to.equal(200);
    expect(master.questions).to.deep.equal([{ role: undefined, task: undefined }]);
  });

  it('names the field that is wrong', async () => {
    const cases = {
      '': "'framework'",
      'framework=known&framework=b': "'framework'",
      'framework=known&cpus=many': "'cpus' must be a number from 0",
      'framework=known&cpus=-1': "'cpus'",
      'framework=known&mem=1e999': "'mem'",
      'framework=known&cpus=1&cpus=2': "'cpus'",
      'framework=known&cpu=1': "'cpu' is no field: there are framework",
      'framework=known&resources=licences': "'resources' must be amounts by name",
      'framework=known&resources=cpus%3D1&cpus=1': "'cpus' is there twice",
      'framework=known&resources=x%3Dmany': "'resources.x'",
    };
    for (const [query, message] of Object.entries(cases)) {
      const answer = await get(query);
      expect(answer.status, query).to.equal(400);
      expect(await answer.text(), query).to.include(message);
    }
    for (const body of ['{', '[]', '1', '{"framework":1}', '{"framework":"known","cpus":[1]}']) {
      expect((await post(body)).status, body).to.equal(400);
    }
    expect((await post('{"framework":"known","constraints":1}')).status).to.equal(400);
    expect(master.questions).to.deep.equal([]);
  });

  it('answers what the master refuses with 400, and an unknown framework with 404', async () => {
    const answer = await get('framework=other');
    expect(answer.status).to.equal(404);
    expect(await answer.text()).to.include('There is no framework other');
    expect((await post('framework=known', 'text/plain')).status).to.equal(415);
    expect((await fetch(url('framework=known'), { method: 'DELETE' })).status).to.equal(405);
    const large = JSON.stringify({ framework: 'x'.repeat(2 * 1024 * 1024) });
    expect((await post(large)).status).to.equal(413);
  });
});
