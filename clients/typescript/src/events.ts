// Parses a text/event-stream that arrives in pieces of any size. Pure.

export interface StreamEvent {
  name: string;
  id: string;
  data: string;
}

/** The longest line kept; a server that sends more is not the query API. */
const LINE_MAX = 64 * 1024;

/** Takes pieces of text and returns the events that they complete. */
export class EventParser {
  private rest = "";
  private name = "";
  private id = "";
  private data: string[] = [];

  push(piece: string): StreamEvent[] {
    const lines = (this.rest + piece).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? "";
    if (this.rest.length > LINE_MAX) throw new RangeError("a line of the event stream is too long");
    return lines.flatMap((line) => this.take(line) ?? []);
  }

  private take(line: string): StreamEvent | null {
    if (line === "") return this.dispatch();
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.name = value;
    if (field === "id") this.id = value;
    if (field === "data") this.data.push(value);
    return null; // a comment, or a field without a use here
  }

  private dispatch(): StreamEvent | null {
    const { name, id, data } = this;
    this.name = "";
    this.data = [];
    return data.length === 0 ? null : { name: name === "" ? "message" : name, id, data: data.join("\n") };
  }
}
