/** Writing answers: JSON, texts, and errors in one form. */
import type { ServerResponse } from 'node:http';
import { HttpAnswer } from './mount.js';
import type { RequestRefused } from './refusal.js';

/** An answer that is not JSON, with its type. */
export class TextAnswer {
  constructor(
    readonly text: string,
    readonly contentType: string,
    readonly status = 200,
  ) {}
}

/** JSON with another status than that of the route. */
export class JsonAnswer {
  constructor(
    readonly status: number,
    readonly value: unknown,
  ) {}
}

/** Writes what a handler returned. `status`: of the route, if it names one. */
export function answer(response: ServerResponse, value: unknown, status?: number): void {
  if (value instanceof HttpAnswer) {
    writeHttpAnswer(response, value);
  } else if (value instanceof TextAnswer) {
    write(response, value.status, { type: value.contentType, text: value.text });
  } else if (value instanceof JsonAnswer) {
    writeJson(response, value.status, value.value);
  } else if (value === undefined) {
    response.writeHead(status ?? 204, { 'Cache-Control': 'no-store' });
    response.end();
  } else {
    writeJson(response, status ?? 200, value);
  }
}

function writeHttpAnswer(response: ServerResponse, answered: HttpAnswer): void {
  const { status, headers, json, text, contentType } = answered;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (text !== undefined) write(response, status, { type: contentType, text });
  else if (json !== undefined) writeJson(response, status, json);
  else {
    response.writeHead(status, { 'Cache-Control': 'no-store' });
    response.end();
  }
}

/** `{"error": {"code", "message", "problems"}}`, or what a mount says. */
export function answerRefused(
  response: ServerResponse,
  refused: RequestRefused,
  body?: (refused: RequestRefused) => unknown,
): void {
  const { code, message, problems, status, headers } = refused;
  const error = { code, message, ...(problems.length === 0 ? {} : { problems }) };
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  writeJson(response, status, body === undefined ? { error } : body(refused));
}

function writeJson(response: ServerResponse, status: number, value: unknown): void {
  const text = `${jsonText(value)}\n`;
  write(response, status, { type: 'application/json; charset=utf-8', text });
}

/** JSON of anything that frameworks have: numbers of 64 bits become texts, maps objects. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => {
    if (typeof each === 'bigint') return each.toString();
    return each instanceof Map ? Object.fromEntries(each) : each;
  });
}

function write(
  response: ServerResponse,
  status: number,
  { type, text }: { readonly type: string; readonly text: string },
): void {
  const bytes = Buffer.from(text);
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': bytes.length,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(bytes);
}
