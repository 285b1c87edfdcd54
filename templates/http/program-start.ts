import { fileURLToPath } from 'node:url';

/**
 * The program itself decides when it serves: a parser of its command line calls it back, say. The service lets it come
 * as far as that, and takes over from there.
 */
export class ProgramStart<Served> {
  /** Takes over from a program that is about to serve; none over stdio. */
  private takeOver: ((served: Served) => void) | undefined;

  /** Hands to the service what the program serves with. False over stdio, where the program goes on. */
  handOver(served: Served): boolean {
    this.takeOver?.(served);
    return this.takeOver !== undefined;
  }

  /**
   * Starts the program. Resolves, as soon as it would serve, to what it serves with.
   *
   * @param load imports the program
   * @param file what the program is started as, which some compare with their own address
   */
  async run(load: () => Promise<unknown>, file?: string | URL): Promise<Served> {
    if (file !== undefined) process.argv[1] = typeof file === 'string' ? file : fileURLToPath(file);
    return new Promise<Served>((resolve, reject) => {
      this.takeOver = resolve;
      load().catch(reject);
      const late = new Error(
        'The program has not come to where it serves a client; does it need arguments? They follow main in "start:http".',
      );
      setTimeout(() => reject(late), 30_000).unref();
    });
  }
}
