#!/usr/bin/env node
// Breaks the contracts in one place at a time and sees whether a test notices.
//   node mutants.js FORGE SECONDS SKIP [FILE...]   leaves out the first SKIP; files of src/, by default those that hold the game
//
// Forge has no mutation testing, and slither-mutate builds everything twice for each mutant. This works on a copy, rebuilds one file
// (dynamic test linking), and takes mutants in a shuffled but fixed order, so that a short run is a fair sample. Survivors go to
// stdout; what became of each stands in mutants.md.
'use strict';
const fs = require('fs');
const path = require('path');
const { spawnSync } = require('child_process');

const COPY = path.join(__dirname, '..', 'target', 'mutants', `contracts-${process.pid}`);
const FILES = ['Rollup.sol', 'rollup/Claims.sol', 'rollup/Bonds.sol', 'rollup/Bills.sol', 'rollup/Dissection.sol', 'rollup/Proofs.sol', 'libraries/Segments.sol'];
// Whose tests are asked about a mutant: those of the first folder first, those of the others only if it survives them. The games
// of the invariants are slow and seldom needed.
const FOLDERS = [
  [/^(Rollup|rollup\/.*)\.sol$/, 'rollup', 'libraries,money,attacks'],
  [/^Inbox\.sol$/, 'inbox', 'bridge,attacks,money'],
  [/^(Bridge|l2\/.*)\.sol$/, 'bridge', 'libraries'],
  [/^ChunkStore\.sol$/, 'staging', 'attacks'],
  [/^Deployment\.sol$/, 'deployment'],
  [/^StepVerifier\.sol$/, 'verifier', 'libraries,attacks'],
  [/^examples\//, 'examples', 'libraries'],
  [/^libraries\/(Tape|Execute|WholeBlob|BaseFee)\.sol$/, 'verifier', 'libraries,attacks'],
  [/^libraries\/L2Header\.sol$/, 'libraries', 'verifier,examples'],
  [/^libraries\/BlobReader\.sol$/, 'libraries', 'verifier,rollup,attacks'],
  [/^libraries\/CheckpointLib\.sol$/, 'libraries', 'verifier,rollup,bridge'],
  [/^libraries\/Segments\.sol$/, 'libraries', 'rollup,money,attacks'],
  [/^libraries\/SystemContracts\.sol$/, 'libraries', 'rollup'],
  [/^libraries\/Queue\.sol$/, 'inbox', 'attacks,money'],
  [/^libraries\/Burn\.sol$/, 'inbox', 'rollup,money,attacks'],
  [/^libraries\/StateProof\.sol$/, 'libraries', 'bridge,examples'],
  [/^libraries\/GasFloor\.sol$/, 'bridge', 'examples'],
  [/^libraries\/L1State\.sol$/, 'examples', 'libraries'],
];
const foldersOf = (file) => FOLDERS.find(([of]) => of.test(file)).slice(1);

/// What becomes of what, in lines of code. Each match is a mutant of its own.
const OPERATORS = [
  [/^(\s*)require\(.*\);\s*$/, '$1'],
  [/^(\s*)(_[a-z]\w*\(.*\)|Burn\.burn\(.*\));\s*$/i, '$1'],
  [/^(\s*)[\w.[\]]+ (=|\+=|-=) [^=].*;\s*$/, '$1'],
  [/ < /, ' <= '], [/ <= /, ' < '], [/ > /, ' >= '], [/ >= /, ' > '],
  [/ == /, ' != '], [/ != /, ' == '], [/ && /, ' || '], [/ \|\| /, ' && '],
  [/ \+ /, ' - '], [/ - /, ' + '], [/ \/ 2/, ''], [/ \+= /, ' -= '], [/ -= /, ' += '],
  [/= true;/, '= false;'], [/(return|\() ?!/, '$1 '], [/, 0\)/, ', 1)'],
];

/// One for each place that an operator fits; `later` are those that this script did not make at first: a second place in a line, and a
/// `require` over several lines. They come after the others, so that --skip counts as it did.
function mutants(file) {
  const lines = fs.readFileSync(path.join(__dirname, 'src', file), 'utf8').split('\n');
  const found = [];
  lines.forEach((line, at) => {
    if (/^\s*(\/\/|\*|import|pragma|error|event|emit)/.test(line)) return;
    for (const [from, to] of OPERATORS) {
      [...line.matchAll(new RegExp(from.source, `${from.flags}g`))].forEach((place, index) => {
        const mutant = line.slice(0, place.index) + place[0].replace(from, to) + line.slice(place.index + place[0].length);
        if (mutant !== line) found.push({ file, at, last: at, line, mutant, later: index > 0 });
      });
    }
    if (/^\s*require\([^;]*$/.test(line)) {
      const last = lines.findIndex((end, index) => index > at && /;\s*$/.test(end));
      found.push({ file, at, last, line: lines.slice(at, last + 1).join(' ').replace(/\s+/g, ' '), mutant: '', later: true });
    }
  });
  return found;
}

/// The same order at every run: by a hash of what the mutant is.
function shuffled(list) {
  const hash = (m) => require('crypto').createHash('sha256').update(`${m.file}${m.line}${m.mutant}`).digest('hex');
  return list.map((m) => [hash(m), m]).sort(([a], [b]) => (a < b ? -1 : 1)).map(([, m]) => m);
}

function prepare() {
  fs.rmSync(COPY, { recursive: true, force: true });
  fs.mkdirSync(COPY, { recursive: true });
  for (const name of ['src', 'test', 'bin', 'foundry.toml']) fs.cpSync(path.join(__dirname, name), path.join(COPY, name), { recursive: true });
  fs.symlinkSync(path.join(__dirname, 'node_modules'), path.join(COPY, 'node_modules'));
  // Forge asks for the interfaces of all tests whenever it runs some: the compiler answers what it was asked before from its notes.
  fs.renameSync(path.join(COPY, 'bin', 'solc'), path.join(COPY, 'bin', 'solc.js'));
  fs.mkdirSync(path.join(COPY, 'notes'));
  fs.writeFileSync(path.join(COPY, 'bin', 'solc'), NOTING, { mode: 0o755 });
}

const NOTING = `#!/bin/sh
cd "$(dirname "$0")/.." || exit 1
question=$(mktemp notes/question.XXXXXX)
{ echo "$@"; case "$*" in *--standard-json*) cat;; esac; } > "$question"
answer=notes/$(sha256sum < "$question" | cut -d' ' -f1)
if ! [ -e "$answer" ]; then
  tail -n +2 "$question" | node bin/solc.js "$@" > "$question.answer" || exit 1
  mv "$question.answer" "$answer"
fi
rm "$question"
exec cat "$answer"
`;

// The tests find what they deploy in the artifacts, by name (dynamic test linking), and take it unoptimised, at any size, in one random
// case of fifty: so that a mutant is compiled here, by a compiler that stays warm, without the tests.
const QUICK = {
  FOUNDRY_OUT: 'out-quick', FOUNDRY_CACHE_PATH: 'cache-quick', FOUNDRY_DYNAMIC_TEST_LINKING: 'true', FOUNDRY_OPTIMIZER: 'false',
  FOUNDRY_CODE_SIZE_LIMIT: '1000000', FOUNDRY_FUZZ_RUNS: '20',
};

// A mutant may leave code unreachable or a variable unused, which is no reason to refuse it.
const MUTED = { FOUNDRY_AST: 'false', FOUNDRY_DENY: 'never' };

function forgeTest(forge, folders, env, args) {
  const all = ['test', '--match-path', `test/{${folders}}/*`.replace(/{([^,]*)}/, '$1'), '--no-match-contract', 'InvariantsOf.*', ...args];
  const { status, stdout, stderr } = spawnSync(forge, all, { cwd: COPY, env: { ...process.env, ...MUTED, ...env }, encoding: 'utf8', maxBuffer: 1 << 28 });
  return { status, out: stdout + stderr };
}

/// What the tests say to the copy as it stands, all of it built as it is built for L1.
function test(forge, folders) {
  // Quicker, but for tests that count the nonces of what they deploy.
  const env = /bridge|deployment/.test(folders) ? {} : { FOUNDRY_DYNAMIC_TEST_LINKING: 'true' };
  const { status, out } = forgeTest(forge, folders, env, ['--fail-fast']);
  if (/Compiler run failed|Compilation failed|Error \(\d+\):/.test(out)) return 'invalid';
  return status === 0 ? 'SURVIVED' : 'killed';
}

const sound = new Set();

/// Tests that fail anyway kill nothing.
function requireSound(forge, folders) {
  if (!sound.has(folders) && test(forge, folders) !== 'SURVIVED') throw new Error(`the tests of ${folders} fail without any mutant`);
  sound.add(folders);
}

/// What src/ is compiled to, without the tests: a mutant that changes nothing of it is none.
function compiled(forge) {
  const env = { ...process.env, ...MUTED, FOUNDRY_OUT: 'out-src', FOUNDRY_CACHE_PATH: 'cache-src' };
  const { status } = spawnSync(forge, ['build', 'src'], { cwd: COPY, env });
  if (status !== 0) throw new Error('src/ does not build without the tests');
  const out = path.join(COPY, 'out-src');
  const code = (file) => {
    const { bytecode, deployedBytecode } = JSON.parse(fs.readFileSync(path.join(out, file), 'utf8'));
    return [file, bytecode.object, deployedBytecode.object];
  };
  const files = fs.readdirSync(out, { recursive: true }).filter((file) => /\.sol\/[^/]*\.json$/.test(file));
  return JSON.stringify(files.sort().map(code));
}

const SOURCES = fs.readdirSync(path.join(__dirname, 'src'), { recursive: true }).filter((file) => file.endsWith('.sol'));

/// The files of src/ whose code may hold that of `file`.
function dependents(file) {
  const imports = (of) => [...fs.readFileSync(path.join(COPY, 'src', of), 'utf8').matchAll(/from "(\.[^"]*)"/g)].map((m) => path.join(path.dirname(of), m[1]));
  const found = new Set([file]);
  for (let size = 0; size < found.size;) {
    size = found.size;
    for (const of of SOURCES) if (imports(of).some((i) => found.has(i))) found.add(of);
  }
  return [...found];
}

/// The unoptimised code of every contract in `files`, by its artifact; null if they do not compile.
function quickly(files) {
  const read = (file) => {
    const at = path.join(COPY, file);
    return fs.existsSync(at) ? { contents: fs.readFileSync(at, 'utf8') } : { error: `no ${file}` };
  };
  const names = files.map((file) => `src/${file}`);
  const evm = ['evm.bytecode.object', 'evm.deployedBytecode.object'];
  const input = {
    language: 'Solidity',
    sources: Object.fromEntries(names.map((name) => [name, { content: read(name).contents }])),
    settings: {
      remappings: ['@openzeppelin/=node_modules/@openzeppelin/'], evmVersion: 'osaka', metadata: { bytecodeHash: 'none', appendCBOR: false },
      outputSelection: Object.fromEntries(names.map((name) => [name, { '*': evm }])),
    },
  };
  const { errors = [], contracts = {} } = JSON.parse(require('solc').compile(JSON.stringify(input), { import: read }));
  if (errors.some(({ severity }) => severity === 'error')) return null;
  return Object.entries(contracts).flatMap(([file, of]) => Object.entries(of).map(([name, { evm }]) => [path.join(path.basename(file), `${name}.json`), evm]));
}

/// The tests that the quick way itself fails without any mutant: those of gas and of sizes.
function quickFailures(forge, folders) {
  const { out } = forgeTest(forge, folders, QUICK, []);
  if (!/Ran \d+ test suites?/.test(out)) throw new Error(`the quick tests of ${folders} do not run:\n${out.slice(-2000)}`);
  return [...new Set([...out.matchAll(/^\[FAIL[^\n]*\] (\w+)\(/gm)].map((m) => m[1]))];
}

/// Whether the tests notice when they find the mutant's code among the artifacts. They may not (contracts that inherit from it, libraries
/// that are part of a test): only a death counts.
function diesQuickly(forge, file, leftOut, mutate, mend) {
  // Mutated for the compiler here only: forge finds the sources as they were, and compiles nothing.
  mutate();
  const code = quickly(dependents(file));
  mend();
  if (code === null) return 'invalid';
  const originals = [];
  for (const [artifact, { bytecode, deployedBytecode }] of code) {
    const at = path.join(COPY, QUICK.FOUNDRY_OUT, artifact);
    if (!fs.existsSync(at)) continue;
    const text = fs.readFileSync(at, 'utf8');
    const json = JSON.parse(text);
    if (json.bytecode.object === `0x${bytecode.object}`) continue;
    originals.push([at, text]);
    json.bytecode.object = `0x${bytecode.object}`;
    json.deployedBytecode.object = `0x${deployedBytecode.object}`;
    fs.writeFileSync(at, JSON.stringify(json));
  }
  let became = 'SURVIVED';
  for (const folders of originals.length > 0 ? foldersOf(file) : []) {
    if (became !== 'SURVIVED') break;
    const without = leftOut.get(folders);
    const { status, out } = forgeTest(forge, folders, QUICK, ['--fail-fast', ...(without.length > 0 ? ['--no-match-test', `^(${without.join('|')})\\(`] : [])]);
    if (/Compiling \d+ files/.test(out)) throw new Error(`forge compiled something for a mutant of ${file}`);
    if (status !== 0) became = 'killed';
  }
  for (const [at, text] of originals) fs.writeFileSync(at, text);
  return became;
}

/// Each list of folders in turn, as long as nothing notices: quickly, then for good. `whole` is what is compiled without any mutant.
function fate(forge, { file, at, last, mutant }, whole, leftOut) {
  const target = path.join(COPY, 'src', file);
  const original = fs.readFileSync(target, 'utf8');
  const lines = original.split('\n');
  lines.splice(at, last - at + 1, mutant, ...Array(last - at).fill(''));
  const mutated = lines.join('\n');
  const quick = diesQuickly(forge, file, leftOut, () => fs.writeFileSync(target, mutated), () => fs.writeFileSync(target, original));
  if (quick !== 'SURVIVED') return quick;
  for (const folders of foldersOf(file)) requireSound(forge, folders);
  fs.writeFileSync(target, mutated);
  try {
    const [first, ...others] = foldersOf(file);
    let became = test(forge, first);
    if (became === 'SURVIVED' && compiled(forge) === whole) return 'same';
    for (const folders of others) {
      if (became === 'SURVIVED') became = test(forge, folders);
    }
    return became;
  } finally {
    fs.writeFileSync(target, original);
  }
}

function main(forge, seconds, skip, files) {
  const all = (files.length > 0 ? files : FILES).flatMap(mutants);
  const list = [false, true].flatMap((later) => shuffled(all.filter((m) => m.later === later)));
  prepare();
  const leftOut = new Map([...new Set(list.flatMap((m) => foldersOf(m.file)))].map((folders) => [folders, quickFailures(forge, folders)]));
  for (const [folders, tests] of leftOut) if (tests.length > 0) console.log(`not asked quickly, of ${folders}: ${tests.join(' ')}`);
  const whole = compiled(forge);
  const end = Date.now() + 1000 * seconds;
  const count = { invalid: 0, same: 0, killed: 0, SURVIVED: 0 };
  for (const m of list.slice(skip)) {
    if (Date.now() > end) break;
    const { file, at, line, mutant } = m;
    const became = fate(forge, m, whole, leftOut);
    count[became] += 1;
    console.log(`${became} ${file}:${at + 1}: ${line.trim()} -> ${mutant.trim() || 'nothing'}`);
  }
  console.log(`of ${list.length} mutants: ${JSON.stringify(count)}`);
  fs.rmSync(COPY, { recursive: true, force: true });
}

const [forge, seconds, skip, ...files] = process.argv.slice(2);
if (!(Number(seconds) > 0) || !(Number(skip) >= 0)) {
  console.error('usage: node mutants.js FORGE SECONDS SKIP [FILE...]');
  process.exit(1);
}
const unknown = files.find((file) => !file.endsWith('.sol') || !fs.existsSync(path.join(__dirname, 'src', file)));
if (unknown !== undefined) {
  console.error(`expected a contract by its path within contracts/src, as rollup/Bonds.sol, got ${unknown}`);
  process.exit(1);
}
main(forge, Number(seconds), Number(skip), files);
