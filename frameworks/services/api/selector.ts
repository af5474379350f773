/** Selectors of labels: `a`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, with commas between. */
export type Selector = (labels: Readonly<Record<string, string>>) => boolean;

/** The selector of a text; undefined: it is none. */
export function parseSelector(text: string): Selector | undefined {
  const parts: Selector[] = [];
  for (const part of text.split(/,(?![^(]*\))/)) {
    const selector = parsePart(part.trim());
    if (selector === undefined) return undefined;
    parts.push(selector);
  }
  return (labels) => parts.every((part) => part(labels));
}

function parsePart(text: string): Selector | undefined {
  const among = /^([^\s=!,()]+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(text);
  if (among !== null) {
    const [, name = '', word, list = ''] = among;
    const values = list.split(',').map((each) => each.trim());
    return (labels) => {
      const value = labels[name];
      const isAmong = value !== undefined && values.includes(value);
      return word === 'in' ? isAmong : !isAmong;
    };
  }
  const compared = /^([^\s=!,()]+)\s*(==|!=)\s*([^\s=!,()]*)$/.exec(text);
  if (compared !== null) {
    const [, name = '', operator, value] = compared;
    return (labels) => (labels[name] === value) === (operator === '==');
  }
  return /^[^\s=!,()]+$/.test(text) ? (labels) => Object.hasOwn(labels, text) : undefined;
}
