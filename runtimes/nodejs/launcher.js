// Runs Node.js actions for whirl-action-proxy: one JSON line per request on stdin, one JSON line per answer on
// descriptor 3. It serves no HTTP and unpacks nothing; ../README.md describes the protocol.
'use strict';

const fs = require('fs');
const Module = require('module');
const net = require('net');
const path = require('path');
const { pathToFileURL } = require('url');
const vm = require('vm');

const tags = require('./tags.js');

const ANSWERS = 3;
const LINE_END = 10;
const NAME = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*(\.[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*)*$/u;

const environmentNames = new Map();
const scratch = Buffer.allocUnsafe(64 * 1024);

let concurrent = String(process.env.__OW_ALLOW_CONCURRENT).toLowerCase() === 'true';
let tagged = false; // whether lines say whose they are
let handler; // the action's entry point, once there is one

// ---- answers -------------------------------------------------------------------------------------------------

function writeAll(buffer, length) {
  for (let start = 0; start < length; ) {
    start += fs.writeSync(ANSWERS, buffer, start, length - start);
  }
}

function writeLine(line) {
  // A UTF-16 unit takes at most three bytes of UTF-8.
  if (line.length * 3 < scratch.length) {
    const length = scratch.write(line, 0, 'utf8');
    scratch[length] = LINE_END;
    writeAll(scratch, length + 1);
  } else {
    const buffer = Buffer.from(line + '\n');
    writeAll(buffer, buffer.length);
  }
}

// Sends one line once all that the action has printed is in the streams: Node queues what a full pipe refuses.
function send(line) {
  if (process.stdout.writableLength === 0 && process.stderr.writableLength === 0) {
    writeLine(line);
  } else {
    process.stdout.write('', () => process.stderr.write('', () => writeLine(line)));
  }
}

// ---- init ----------------------------------------------------------------------------------------------------

function sourceHandler(code, main) {
  const file = path.join(process.cwd(), 'action.js');
  const module = new Module(file);
  module.filename = file;
  module.paths = Module._nodeModulePaths(process.cwd());
  // The entry point may be a declaration, a global, or a property of `exports`.
  const body = `${code}
;try { return ${main}; } catch (e) { if (e instanceof ReferenceError) return undefined; throw e; }`;
  const compiled = vm.compileFunction(body, ['exports', 'require', 'module', '__filename', '__dirname'], {
    filename: file,
    importModuleDynamically: vm.constants && vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  const found = compiled(module.exports, Module.createRequire(file), module, file, path.dirname(file));
  return found === undefined ? property(module.exports, main.split('.')) : found;
}

function property(from, names) {
  return names.reduce((object, name) => (object === undefined || object === null ? undefined : object[name]), from);
}

async function load(target) {
  try {
    return require(target);
  } catch (error) {
    if (error.code !== 'ERR_REQUIRE_ESM') throw error;
    return import(pathToFileURL(require.resolve(target)));
  }
}

async function directoryHandler(directory, main) {
  process.chdir(directory);
  const [first, ...rest] = main.split('.');
  const names = rest.length > 0 ? rest : [first];
  if (rest.length === 0 && !fs.existsSync('package.json') && !fs.existsSync('index.js')) {
    throw 'Zipped actions must contain either package.json or index.js at the root.';
  }
  const root = process.cwd();
  const loaded = await load(rest.length > 0 ? path.join(root, first) : root);
  const found = property(loaded, names) ?? property(loaded.default, names);
  if (found === undefined && main === 'main' && typeof loaded.default === 'function') return loaded.default;
  return found;
}

async function initialise(request) {
  Object.assign(process.env, request.env);
  const { main, code, directory, tagLogs } = request;
  if (tagLogs !== undefined) {
    concurrent = tagged = true;
    tags.start(tagLogs);
    process.on('uncaughtException', onUncaught);
  }
  if (!NAME.test(main)) throw 'Name of main function is not valid.';
  const found = directory === undefined ? sourceHandler(code, main) : await directoryHandler(directory, main);
  if (typeof found !== 'function') throw `Action entrypoint '${main}' is not a function.`;
  handler = found;
}

function init(request) {
  initialise(request).then(
    () => send(JSON.stringify({ ok: true, concurrent, tagsLogs: tagged })),
    (error) => {
      console.error('Error during initialization:', error);
      const text = error && error.stack ? String(error.stack) : String(error);
      send(JSON.stringify({ error: `Initialization has failed due to: ${text}` }));
    },
  );
}

// ---- run -----------------------------------------------------------------------------------------------------

function exportContext(request) {
  // Not every run has one, and that of an earlier run is not this one's.
  delete process.env.__OW_TRACEPARENT;
  for (const key in request) {
    const value = request[key];
    if (typeof value !== 'string' || key === 'value') continue;
    let name = environmentNames.get(key);
    if (name === undefined) {
      name = `__OW_${key.toUpperCase()}`;
      environmentNames.set(key, name);
    }
    process.env[name] = value;
  }
}

// Answers a run, once.
function finish(run, json) {
  if (run.over) return;
  run.over = true;
  run.prints?.end();
  send(run.number + json);
}

function fail(run, error) {
  console.error(error);
  finish(run, `!${JSON.stringify({ error: `An error has occurred: ${error}` })}`);
}

function succeed(run, result) {
  if (result === undefined) return finish(run, '{}');
  let json;
  try {
    json = JSON.stringify(result);
  } catch (error) {
    return fail(run, error);
  }
  if (typeof result !== 'object') {
    console.error(`Result must be of type object but has type "${typeof result}":`, result);
  }
  finish(run, json === undefined ? 'null' : json);
}

// An error as data: errors lose their fields in JSON.stringify, and may hold themselves.
function plain(value, seen = []) {
  if (typeof value === 'function' || typeof value === 'symbol') return `[${typeof value}]`;
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (seen.includes(value)) return '[Circular]';
  const path = [...seen, value];
  if (Array.isArray(value)) return value.map((item) => plain(item, path));
  if (typeof value.toJSON === 'function') return value.toJSON();
  const copy = {};
  if (value instanceof Error) {
    for (const name of ['name', 'message', 'stack', 'code', 'cause']) {
      if (value[name] !== undefined) copy[name] = plain(value[name], path);
    }
  }
  for (const [name, item] of Object.entries(value)) copy[name] = plain(item, path);
  return copy;
}

function reject(run, error) {
  let json;
  try {
    json = JSON.stringify({ error: error ? plain(error) : {} });
  } catch {
    json = JSON.stringify({ error: String(error) });
  }
  finish(run, json);
}

function handle(run, value) {
  let result;
  try {
    result = handler(value === undefined || value === null ? {} : value);
  } catch (error) {
    fail(run, error);
    return;
  }
  if (result !== null && typeof result === 'object' && typeof result.then === 'function') {
    Promise.resolve(result).then(
      (settled) => succeed(run, settled),
      (error) => reject(run, error),
    );
  } else {
    succeed(run, result);
  }
}

// One run's stray error must not end the others that are in this process.
function onUncaught(error) {
  const run = tags.current();
  if (run === undefined) console.error(error);
  else fail(run, error);
}

function run(number, request) {
  exportContext(request);
  const started = { number, over: false };
  if (!tagged) return handle(started, request.value);
  started.prints = new tags.Prints(request.activation_id);
  tags.within(started, () => handle(started, request.value));
}

// ---- requests ------------------------------------------------------------------------------------------------

let initialised = false;

function onLine(line) {
  if (!initialised) {
    initialised = true;
    init(JSON.parse(line));
  } else if (concurrent) {
    const after = line.indexOf(' ') + 1;
    run(line.slice(0, after), JSON.parse(line.slice(after)));
  } else {
    run('', JSON.parse(line));
  }
}

let parts = []; // the beginning of a line whose end has not arrived

function onBytes(length, buffer) {
  let start = 0;
  for (;;) {
    const end = buffer.indexOf(LINE_END, start);
    if (end < 0 || end >= length) break;
    if (parts.length === 0) {
      onLine(buffer.toString('utf8', start, end));
    } else {
      parts.push(Buffer.from(buffer.subarray(start, end)));
      const line = Buffer.concat(parts).toString('utf8');
      parts = [];
      onLine(line);
    }
    start = end + 1;
  }
  if (start < length) parts.push(Buffer.from(buffer.subarray(start, length)));
  return true;
}

const requests = new net.Socket({
  fd: 0,
  readable: true,
  writable: false,
  onread: { buffer: Buffer.allocUnsafe(64 * 1024), callback: onBytes },
});
requests.on('end', () => process.exit(0));
requests.on('error', () => process.exit(1));
requests.resume();

// The action must not read the requests: to it, stdin is empty.
Object.defineProperty(process, 'stdin', {
  configurable: true,
  enumerable: true,
  get: () => new (require('stream').Readable)({ read() { this.push(null); } }),
});
