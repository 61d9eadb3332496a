/** Troubles with files, each until it is used up or cleared. */
export class MediaFaults {
  #uploads = 0;
  #truncations = 0;
  #bytesPerSecond: number | undefined;

  refuseUploads(times: number): void {
    this.#uploads = times;
  }

  truncate(times: number): void {
    this.#truncations = times;
  }

  slowDown(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond;
  }

  clear(): void {
    this.#uploads = 0;
    this.#truncations = 0;
    this.#bytesPerSecond = undefined;
  }

  get standing(): Record<string, unknown> {
    return {
      refusedUploads: this.#uploads || undefined,
      truncatedMedia: this.#truncations || undefined,
      mediaBytesPerSecond: this.#bytesPerSecond,
    };
  }

  get bytesPerSecond(): number | undefined {
    return this.#bytesPerSecond;
  }

  /** Is this upload to be refused? */
  takeUpload(): boolean {
    return this.#uploads > 0 && this.#uploads-- > 0;
  }

  /** Is this download to be cut short? */
  takeTruncation(): boolean {
    return this.#truncations > 0 && this.#truncations-- > 0;
  }
}
