/**
 * The page at `/`: what answers here, a few figures, and where to look further. Everything is text that
 * is escaped; there is no script, and the policy allows none.
 */
import { createHash } from 'node:crypto';
import { answerAtOnce } from './answers.js';
import type { Exchange } from './routes.js';

export interface HomePage {
  readonly title: string;
  readonly subtitle: string;
  readonly figures: readonly { readonly label: string; readonly value: string }[];
  readonly links: readonly { readonly path: string; readonly about: string }[];
}

const STYLE = `
:root{color-scheme:light dark;--line:#8883;--soft:#8887}
body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:3rem auto;padding:0 1.25rem}
h1{font-size:1.9rem;margin:0}
p{color:#777;margin:.25rem 0 2rem}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr));gap:.75rem;margin:0 0 2rem}
dl div{border:1px solid var(--line);border-radius:.6rem;padding:.7rem .9rem}
dt{font-size:.8rem;color:#777}
dd{margin:0;font-size:1.35rem;font-variant-numeric:tabular-nums}
ul{list-style:none;padding:0;margin:0;border-top:1px solid var(--line)}
li{display:flex;gap:1rem;padding:.45rem 0;border-bottom:1px solid var(--line)}
li a{flex:0 0 15rem;font-family:ui-monospace,monospace;font-size:.9rem}
li span{color:#777}
`;

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/** Answers with the page; it reloads itself every ten seconds. */
export function answerHomePage(exchange: Exchange, page: HomePage): void {
  const { response } = exchange;
  response.setHeader(
    'Content-Security-Policy',
    `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'; ` +
      "frame-ancestors 'none'",
  );
  response.setHeader('Referrer-Policy', 'no-referrer');
  answerAtOnce(exchange, 'text/html; charset=utf-8', Buffer.from(renderHomePage(page)));
}

/** The HTML of the page. */
export function renderHomePage(page: HomePage): string {
  const figures = page.figures.map(
    ({ label, value }) => `<div><dt>${escape(label)}</dt><dd>${escape(value)}</dd></div>`,
  );
  const links = page.links.map(
    ({ path, about }) =>
      `<li><a href="${escape(path)}">${escape(path)}</a><span>${escape(about)}</span></li>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escape(page.title)}</title>
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="refresh" content="10"><style>${STYLE}</style></head>
<body><h1>${escape(page.title)}</h1><p>${escape(page.subtitle)}</p>
<dl>${figures.join('')}</dl><ul>${links.join('')}</ul></body></html>
`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
