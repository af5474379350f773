/** Fakes for sessions of containers. */
import type { ContainerPipes, OutputListener, SessionReader } from '../../../core/agent/index.js';

/** Streams of a container in memory. */
export class FakePipes implements ContainerPipes {
  listener: OutputListener | undefined;
  isPaused = false;
  isClosed = false;
  readonly written: Uint8Array[] = [];
  readonly sizes: { readonly rows: number; readonly columns: number }[] = [];

  read(listener: OutputListener): void {
    this.listener = listener;
  }
  pause(): void {
    this.isPaused = true;
  }
  resume(): void {
    this.isPaused = false;
  }
  write(bytes: Uint8Array): Promise<boolean> {
    this.written.push(bytes);
    return Promise.resolve(true);
  }
  endInput(): void {
    this.written.push(new Uint8Array());
  }
  resize(size: { readonly rows: number; readonly columns: number }): void {
    this.sizes.push(size);
  }
  close(): void {
    this.isClosed = true;
  }
}

/** Somebody who writes down what it hears. */
export class Reader implements SessionReader {
  readonly heard: string[] = [];
  isFull = false;
  data(stream: 'stdout' | 'stderr', bytes: Uint8Array): boolean {
    this.heard.push(`${stream} ${Buffer.from(bytes).toString()}`);
    return !this.isFull;
  }
  end(): void {
    this.heard.push('end');
  }
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
