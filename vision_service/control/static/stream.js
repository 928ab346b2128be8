// The WebSocket of this tab (its format stands in control/wire.py): connects again by itself, and shows nothing while
// the tab is hidden, so that nothing is encoded for it.

const VERSION = 1;
const FIRST_PAUSE = 300;
const LONGEST_PAUSE = 5000;

// Returns the header and the parts of a binary message.
export function unpack(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const parts = {};
  for (const part of header.parts) parts[part.name] = new Uint8Array(buffer, 4 + length + part.offset, part.bytes);
  return { header, parts };
}

export class Stream {
  // handlers: frame(header, bitmap, parts), cloud(header, parts), event(said), watching(said), state("open" | "closed", why)
  constructor(handlers) {
    this.handlers = handlers;
    this.wanted = null;
    this.seconds = 0;
    this.socket = null;
    this.pause = FIRST_PAUSE;
    this.newest = 0;
    this.counts = { frames: 0, clouds: 0, events: 0, connections: 0 };
    document.addEventListener("visibilitychange", () => this.tell());
    this.connect();
  }

  connect() {
    clearTimeout(this.timer);
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/ws`);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.addEventListener("close", ({ reason }) => {
      this.handlers.state("closed", reason);
      this.timer = setTimeout(() => this.connect(), this.pause);
      this.pause = Math.min(this.pause * 2, LONGEST_PAUSE);
    });
    socket.addEventListener("message", ({ data }) => {
      if (typeof data === "string") this.take(JSON.parse(data));
      else this.show(data, socket);
    });
  }

  // Shows something else from now on; null = nothing.
  watch(wanted) {
    this.wanted = wanted;
    this.tell();
  }

  tell() {
    if (!this.socket || this.socket.readyState !== WebSocket.OPEN) return;
    const wanted = document.hidden && !this.seconds ? null : this.wanted;
    this.socket.send(JSON.stringify({ type: "watch", ...(wanted || {}) }));
    if (wanted && this.seconds) this.socket.send(JSON.stringify({ type: "record", seconds: this.seconds }));
  }

  // Has the last seconds of what is shown kept; 0 = no more. It goes on while the tab is hidden.
  record(seconds) {
    this.seconds = seconds;
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ type: "record", seconds }));
  }

  take(said) {
    if (said.type === "hello") this.welcome(said);
    else if (said.type === "event") {
      this.counts.events += 1;
      this.handlers.event(said);
    } else if (said.type === "watching") this.handlers.watching(said);
  }

  // The server has a place for this tab: it says so first.
  welcome({ version }) {
    if (version !== VERSION) location.reload();
    this.counts.connections += 1;
    this.pause = FIRST_PAUSE;
    this.handlers.state("open");
    this.tell();
  }

  async show(data, socket) {
    const { header, parts } = unpack(data);
    try {
      if (header.type === "cloud") {
        this.counts.clouds += 1;
        this.handlers.cloud(header, parts);
      } else {
        const bitmap = parts.image ? await createImageBitmap(new Blob([parts.image], { type: "image/jpeg" })) : null;
        if (header.seq < this.newest) bitmap?.close();
        else {
          this.newest = header.seq;
          this.counts.frames += 1;
          this.handlers.frame(header, bitmap, parts);
        }
      }
    } finally {
      const asks = header.ack !== false;
      if (asks && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: "ack", seq: header.seq }));
    }
  }
}
