import { IsArray, IsInt, IsOptional, IsString, Min, ValidateNested } from 'class-validator';
import { Type } from 'class-transformer';
import { expect } from 'chai';
import { DocumentError, readDocument, readDocuments } from '../../../../sdk/documents/index.js';

class Port {
  @IsInt()
  @Min(1)
  number!: number;
}

class App {
  @IsString()
  name!: string;

  @IsOptional()
  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => Port)
  ports?: Port[];
}

const SOURCE = { source: 'app.yaml' };

function refusal(text: string): DocumentError {
  try {
    readDocuments(text, App, SOURCE);
  } catch (error) {
    if (error instanceof DocumentError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('Documents', () => {
  it('reads YAML and JSON alike, as instances of the class', () => {
    const yaml = readDocument('name: web\nports:\n  - number: 80\n', App, SOURCE);
    const json = readDocument('{"name": "web", "ports": [{"number": 80}]}', App, SOURCE);
    expect(yaml).to.be.instanceOf(App);
    expect(yaml.ports?.[0]).to.be.instanceOf(Port);
    expect(yaml).to.deep.equal(json);
  });

  it('reads several documents of one text', () => {
    expect(
      readDocuments('name: a\n---\nname: b\n', App, SOURCE).map(({ name }) => name),
    ).to.deep.equal(['a', 'b']);
    expect(() => readDocument('name: a\n---\nname: b\n', App, SOURCE)).to.throw('2 documents');
  });

  it('tells all problems at once, with path, line and column', () => {
    const { problems, message } = refusal(
      'name: 7\nports:\n  - number: 80\n  - number: 0\nextra: 1\n',
    );
    expect(problems.map(({ path, line, column }) => [path, line, column])).to.deep.equal([
      ['extra', 5, 1],
      ['name', 1, 1],
      ['ports[1].number', 4, 5],
    ]);
    expect(message.split('\n')[0]).to.match(/^app\.yaml:5:1: extra: is not known here; known are/);
  });

  it('places what lacks at its owner', () => {
    const { problems } = refusal('ports:\n  - {}\n');
    expect(problems.map(({ path, line }) => [path, line])).to.deep.equal([
      ['name', 1],
      ['ports[0].number', 2],
      ['ports[0].number', 2],
    ]);
  });

  it('tells where the text itself is broken', () => {
    const { problems } = refusal('name: web\nports: [1,\n');
    expect(problems[0]?.line).to.be.greaterThan(1);
    expect(problems[0]?.message).not.to.match(/at line/);
    expect(refusal('name: a\nname: b\n').message).to.match(/app\.yaml:2:1: .*unique/i);
    expect(refusal('').message).to.contain('is empty');
    expect(refusal('- 1\n').message).to.contain('must be an object');
  });

  it('does not let anchors blow a text up', () => {
    const levels = ['a: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let level = 1; level < 9; level++) {
      levels.push(
        `a${level}: &a${level} [${Array.from({ length: 10 }, () => `*a${level - 1}`).join(', ')}]`,
      );
    }
    expect(refusal(`${levels.join('\n')}\n`).message).to.match(/alias/i);
  });
});
