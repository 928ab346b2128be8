// How often something comes, over the last seconds.

const OVER = 2000; // milliseconds that are looked back
const LEAST = 1000; // what comes at once at first, as the newest image and the next one, says nothing of a rate

export class Rate {
  constructor() {
    this.times = [];
  }

  // Takes when it came, milliseconds.
  came(time) {
    this.times.push(time);
    while (this.times.length > 2 && this.times[1] < time - OVER) this.times.shift();
  }

  // Returns how often a second, or null as long as that cannot be told.
  get perSecond() {
    const span = this.times.at(-1) - this.times[0];
    return span >= LEAST ? ((this.times.length - 1) * 1000) / span : null;
  }
}
