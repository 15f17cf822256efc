// For several runs at once in one process: knows which run the code that is running belongs to, and writes what it
// prints line by line, each line behind a tag that names the run. When runs begin and end is decided by launcher.js;
// ../README.md describes the lines.
'use strict';

const { AsyncLocalStorage } = require('async_hooks');

const LINE_END = 10;
const NEW_LINE = Buffer.from('\n');
const END_MARK = Buffer.from('XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX');
// A line that grows longer, in bytes, is cut here, or just before not to cut a character, and goes on as the next one.
const LONGEST = 16 * 1024;
// So much, in bytes or UTF-16 units, is handled in one piece: text may be larger than memory has room for twice.
const BLOCK = 64 * 1024;
const ACTIVATION = /^[0-9A-Za-z]{1,64}$/;

// What one run prints on one stream.
class Lines {
  constructor(write, tag) {
    this.write = write;
    this.tag = tag;
    this.partial = []; // the beginning of a line whose end was not printed
    this.length = 0;
  }

  // Takes printed bytes. `callback` is called when all of them that are whole lines are out.
  print(bytes, callback) {
    let out = [];
    let size = 0;
    let start = 0;
    let newline = bytes.indexOf(LINE_END);
    while (start < bytes.length) {
      const end = newline < 0 ? bytes.length : newline;
      const cut = end - start > LONGEST - this.length;
      let stop = cut ? start + LONGEST - this.length : end;
      for (let back = 3; cut && back > 0 && stop > start && (bytes[stop] & 0xc0) === 0x80; back -= 1) stop -= 1;
      this.hold(bytes.subarray(start, stop));
      start = stop;
      if (cut || newline >= 0) size += this.release(out);
      if (!cut) {
        start = end + 1;
        newline = bytes.indexOf(LINE_END, start);
      }
      if (size >= BLOCK) {
        this.write(Buffer.concat(out));
        [out, size] = [[], 0];
      }
    }
    return this.write(Buffer.concat(out), callback);
  }

  // Ends the run's part of the stream.
  end() {
    const out = [];
    if (this.length > 0) this.release(out);
    out.push(this.tag, END_MARK, NEW_LINE);
    this.write(Buffer.concat(out));
  }

  hold(bytes) {
    if (bytes.length === 0) return;
    this.partial.push(Buffer.from(bytes)); // the printer may use its buffer again
    this.length += bytes.length;
  }

  // Moves the line to `out`; a line that only the platform may write is left out. Returns how much that is.
  release(out) {
    const size = this.tag.length + this.length + 1;
    const line = this.partial.length === 1 ? this.partial[0] : Buffer.concat(this.partial);
    [this.partial, this.length] = [[], 0];
    if (!line.equals(END_MARK)) out.push(this.tag, line, NEW_LINE);
    return size;
  }
}

const runs = new AsyncLocalStorage();
const writers = {};
let word;
let nobody; // prints what no run prints

// What a run of the activation `id` prints.
class Prints {
  constructor(id) {
    const tag = Buffer.from(`${word} ${ACTIVATION.test(id) ? id : '-'} `);
    this.stdout = new Lines(writers.stdout, tag);
    this.stderr = new Lines(writers.stderr, tag);
  }

  // Writes what is left of the last lines, and the end marks.
  end() {
    this.stdout.end();
    this.stderr.end();
  }
}

// The pieces of a text as bytes. No character is cut apart.
function* blocks(text, encoding) {
  if (text.length <= BLOCK || !/^utf-?8$/i.test(encoding)) {
    yield Buffer.from(text, encoding);
    return;
  }
  for (let start = 0; start < text.length; ) {
    let end = Math.min(start + BLOCK, text.length);
    const last = text.charCodeAt(end - 1);
    if (last >= 0xd800 && last < 0xdc00 && end < text.length) end -= 1;
    yield Buffer.from(text.slice(start, end));
    start = end;
  }
}

function take(name) {
  const stream = process[name];
  const original = stream.write.bind(stream);
  writers[name] = original;
  stream.write = (chunk, encoding, callback) => {
    if (typeof encoding === 'function') [encoding, callback] = [undefined, encoding];
    const isText = typeof chunk === 'string';
    if (!isText && !ArrayBuffer.isView(chunk)) return original(chunk, encoding, callback); // throws
    const lines = (current()?.prints ?? nobody)[name];
    if (!isText) return lines.print(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength), callback);
    let free = true;
    for (const bytes of blocks(chunk, encoding ?? 'utf8')) free = lines.print(bytes);
    if (callback) original('', callback);
    return free;
  };
  // The streams are not one run's to close.
  stream.end = stream.destroy = () => stream;
}

// From now on whatever is printed is tagged with this word.
function start(tagWord) {
  word = tagWord;
  take('stdout');
  take('stderr');
  nobody = new Prints('-');
}

// Calls `work`; it and all that it sets going belong to `run`, whose member `prints` takes what they print.
function within(run, work) {
  runs.run(run, work);
}

// The run that the running code belongs to, if any.
function current() {
  return runs.getStore();
}

module.exports = { start, within, current, Prints };
