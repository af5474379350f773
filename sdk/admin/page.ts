/** A page for people: what routes there are. No scripts, nothing from elsewhere. */
import type { Route } from './routes.js';

export function routesPage(title: string, routes: readonly Route[]): string {
  const rows = routes.map(
    ({ method, path, summary }) =>
      `<tr><td>${method}</td><td>${link(method, path)}</td><td>${escaped(summary)}</td></tr>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escaped(title)}</title>
<style>body{font-family:sans-serif;margin:2em}td{padding:.2em 1em .2em 0}</style></head>
<body><h1>${escaped(title)}</h1><table>
${rows.join('\n')}
</table></body></html>
`;
}

function link(method: string, path: string): string {
  const text = escaped(path);
  return method === 'GET' && !path.includes(':') ? `<a href="${text}">${text}</a>` : text;
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
